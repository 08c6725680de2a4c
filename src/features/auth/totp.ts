import { createHmac } from 'node:crypto'
import { Secret, TOTP } from 'otpauth/bare'
import { totpSecretBytes, totpWindowSteps } from '../../core/limits.ts'

/**
 * One-time codes (RFC 6238) in the form that every authenticator knows: HMAC-SHA-1, 30 seconds, six digits. SHA-1 is sound in an
 * HMAC; several authenticators ignore any other.
 */
const form = { algorithm: 'SHA1', digits: 6, period: 30 } as const

/** A new shared secret in base32, as people type it where no camera is. */
export function newTotpSecret(): string {
  return new Secret({ size: totpSecretBytes }).base32
}

/** What an authenticator scans. */
export function totpUri({ secret, issuer, label }: { secret: string; issuer: string; label: string }): string {
  return new TOTP({ ...form, hmac, issuer, label, secret }).toString()
}

/** The time step whose code this is, of the present one and its neighbours; undefined when it is none of theirs. */
export function totpStep(secret: string, code: string, nowMs: number): number | undefined {
  const window = { token: code, timestamp: nowMs, window: totpWindowSteps }
  const delta = TOTP.validate({ ...form, ...window, hmac, secret: Secret.fromBase32(secret) })
  return delta === null ? undefined : stepAt(nowMs) + delta
}

/** The code of the present step. */
export function totpCode(secret: string, nowMs: number): string {
  return TOTP.generate({ ...form, hmac, secret: Secret.fromBase32(secret), timestamp: nowMs })
}

function stepAt(nowMs: number): number {
  return TOTP.counter({ period: form.period, timestamp: nowMs })
}

function hmac(_algorithm: string, key: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac('sha1', key).update(message).digest()
}
