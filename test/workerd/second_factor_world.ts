import { eq } from 'drizzle-orm'
import { expect } from 'vitest'
import { secondFactors } from '../../src/db/schema_identity.ts'
import { totpCode } from '../../src/features/auth/totp.ts'
import { callFrom, randomAddress, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'

/* What tests of second factors ask and arrange. */

export const totpPath = '/api/v1/auth/totp'
/** How long a code is good. */
export const stepMs = 30_000

export interface Enabled {
  secret: string
  recoveryCodes: string[]
}

/** Sets up a second factor; its code of the present step is used up by that. */
export async function enable(world: World, person = world.owner): Promise<Enabled> {
  const begun = await world.call(totpPath, { method: 'POST', as: person.accessToken })
  expect(begun.status).toBe(201)
  const { secret } = await begun.json<{ secret: string }>()
  const confirmed = await world.call(`${totpPath}/confirm`, { as: person.accessToken, json: { code: totpCode(secret, Date.now()) } })
  expect(confirmed.status).toBe(200)
  return { secret, recoveryCodes: (await confirmed.json<{ recovery_codes: string[] }>()).recovery_codes }
}

/** The code of the next step, which is good already and was never used. */
export const nextCode = (secret: string) => totpCode(secret, Date.now() + stepMs)

/** The clock of codes turned back, as if some time had passed since the last. */
export async function forgetSteps(userId: string): Promise<void> {
  await testCtx().db.update(secondFactors).set({ lastStep: 0 }).where(eq(secondFactors.userId, userId))
}

export function login({ email, password }: Person, codes: object = {}, address = randomAddress()): Promise<Response> {
  return callFrom(address, '/api/v1/auth/login', { json: { email, password, ...codes } })
}
