import { addressGroup } from '../../core/address.ts'
import { registrationsPerAddressMax, registrationsPerEmailMax, registrationWindowMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { sha256 } from './hash.ts'
import { reserve } from './throttle.ts'
import type { Attempt } from './throttle.ts'

const limits = { perAccount: registrationsPerEmailMax, perAddress: registrationsPerAddressMax, windowMs: registrationWindowMs }

/**
 * Whether this registration may go on; its place stays taken for the window. False when the e-mail had its share: nothing
 * may be written or sent then, nor told. Throws 429 when the address had its own.
 */
export async function takeRegistration(ctx: BaseCtx, email: string): Promise<boolean> {
  const [, reserved, [usage]] = await ctx.db.batch(reserve(ctx, newRegistration(ctx, email), limits))
  if (reserved.length > 0) return true
  if ((usage?.addressCount ?? 0) < registrationsPerAddressMax) return false
  const seconds = Math.max(1, Math.ceil(((usage?.addressOldestMs ?? 0) + registrationWindowMs - ctx.now()) / 1000))
  throw problem('rate_limited', `Too many registrations. Try again in ${seconds} s.`, {
    details: { registrations_per_address: [`at most ${registrationsPerAddressMax} in ${registrationWindowMs / 60_000} minutes`] },
    headers: { 'Retry-After': String(seconds) },
  })
}

/** With names of its own, as no e-mail and no address has a space: logins and registrations do not count for each other. */
function newRegistration(ctx: BaseCtx, email: string): Attempt {
  const address = `register ${addressGroup(ctx.clientAddress)}`
  return { id: ctx.newId(), emailHash: sha256(`register ${email}`), address, startedMs: ctx.now() }
}
