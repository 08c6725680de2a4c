import { verify } from 'node:crypto'
import { concatBytes, fromBase64 } from '../../core/bytes.ts'
import { mailEventWindowMs } from '../../core/limits.ts'

export interface SignedBody {
  /** Of the headers, as they came; undefined where there was none. */
  signature: string | undefined
  timestamp: string | undefined
  body: Uint8Array
}

/**
 * Whether SendGrid signed this report lately: ECDSA with P-256 and SHA-256 over the timestamp (seconds) and the bytes of the body.
 * `key` is Base64 of the public key as SPKI.
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 */
export function isSignedBySendgrid(key: string, { signature, timestamp, body }: SignedBody, nowMs: number): boolean {
  if (signature === undefined || timestamp === undefined) return false
  if (!/^[A-Za-z0-9+/]{80,140}={0,2}$/.test(signature) || !/^\d{1,12}$/.test(timestamp)) return false
  if (Math.abs(nowMs - Number(timestamp) * 1000) > mailEventWindowMs) return false
  const publicKey = { key: Buffer.from(fromBase64(key)), format: 'der', type: 'spki' } as const
  return verify('sha256', concatBytes(new TextEncoder().encode(timestamp), body), publicKey, fromBase64(signature))
}
