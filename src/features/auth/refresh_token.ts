import { createHmac, randomBytes } from 'node:crypto'
import { concatBytes, fromBase64Url, fromHex, toBase64Url, toHex } from '../../core/bytes.ts'
import { sha256 } from './hash.ts'

/**
 * A refresh token is 80 bytes in base64url: the session's id, 32 random bytes that stay the same for the session's
 * life (its family), and the secret that each use replaces. Whoever shows a known family once held a token of the
 * session, so an outdated secret means a copy; whoever shows only the id proves nothing and can end nothing.
 */
export interface RefreshToken {
  sessionId: string
  familyHash: string
  secretHash: string
  bytes: Uint8Array
}

const idBytes = 16
const familyBytes = 32
const secretBytes = 32
const tokenBytes = idBytes + familyBytes + secretBytes
const secretAt = idBytes + familyBytes
const tokenPattern = /^[\w-]{107}$/

/** The first token of a session: its UUID, the part that all tokens of the session share, and a secret. */
export function newRefreshToken(sessionId: string): RefreshToken & { text: string } {
  const id = fromHex(sessionId.replaceAll('-', ''))
  return describe(concatBytes(id, randomBytes(familyBytes + secretBytes)))
}

/** Undefined for a text that cannot be a refresh token. */
export function parseRefreshToken(text: string): RefreshToken | undefined {
  if (!tokenPattern.test(text)) return undefined
  const bytes = fromBase64Url(text)
  return bytes.length === tokenBytes ? describe(bytes) : undefined
}

export function newRotationSalt(): string {
  return toBase64Url(randomBytes(secretBytes))
}

/**
 * The token after this one. Its secret is an HMAC of this one's under the session's salt, which is random for each
 * rotation: requests that race with the same token get the same successor, and nobody without the salt can make it.
 */
export function successorOf(token: RefreshToken, salt: string): RefreshToken & { text: string } {
  const secret = createHmac('sha256', fromBase64Url(salt)).update(token.bytes.subarray(secretAt)).digest()
  return describe(concatBytes(token.bytes.subarray(0, secretAt), secret))
}

function describe(bytes: Uint8Array): RefreshToken & { text: string } {
  const hex = toHex(bytes.subarray(0, idBytes))
  return {
    sessionId: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    familyHash: sha256(bytes.subarray(idBytes, secretAt)),
    secretHash: sha256(bytes.subarray(secretAt)),
    bytes,
    text: toBase64Url(bytes),
  }
}
