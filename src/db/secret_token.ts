import { createHash, randomBytes } from 'node:crypto'
import { toBase64Url } from '../core/bytes.ts'

const tokenBytes = 32

/** A single-use secret for a mail: 32 random bytes in base64url, and the SHA-256 that is stored of it. */
export function newSecretToken(): { token: string; tokenHash: string } {
  const token = toBase64Url(randomBytes(tokenBytes))
  return { token, tokenHash: hashSecretToken(token) }
}

/** With 256 random bits a plain SHA-256 is enough. */
export function hashSecretToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
