import { expect, it } from 'vitest'
import type { Env } from '../../../src/config.ts'
import { configOf } from '../../../src/config.ts'

const secrets = {
  PUBLIC_URL: 'https://edgelog.example.com',
  MAIL_FROM: 'edgelog@example.com',
  ENCRYPTION_KEYS: JSON.stringify([{ kid: 'a', k: 'A'.repeat(43) }]),
  JWT_KEYS: JSON.stringify([{ kty: 'OKP', crv: 'Ed25519', kid: 'a', x: 'x', d: 'd' }]),
}
const of = (vars: Record<string, string>) => configOf({ ...secrets, ...vars } as unknown as Env)

it('lets channels call this machine only where that is asked for, and never in production', () => {
  expect(of({}).webhookPrivateTargets).toBe(false)
  expect(of({ WEBHOOK_PRIVATE_TARGETS: 'true' }).webhookPrivateTargets).toBe(true)
  expect(of({ ENVIRONMENT: 'production' }).webhookPrivateTargets).toBe(false)
  expect(() => of({ ENVIRONMENT: 'production', WEBHOOK_PRIVATE_TARGETS: 'true' })).toThrow(
    'WEBHOOK_PRIVATE_TARGETS must not be true in production',
  )
})
