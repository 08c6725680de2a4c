import { randomBytes } from 'node:crypto'
import { recoveryCodeBytes, recoveryCodesCount } from '../../core/limits.ts'
import { sha256 } from './hash.ts'

/** 32 letters and digits of which no two look alike (Crockford's base32). */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** Codes that each open a session once in the place of the authenticator, and the hashes that are stored of them. */
export function newRecoveryCodes(): { codes: string[]; hashes: string[] } {
  const codes = Array.from({ length: recoveryCodesCount }, newRecoveryCode)
  return { codes, hashes: codes.map(hashRecoveryCode) }
}

/** Upper case, blanks and dashes do not matter. The code is random enough for a plain hash. */
export function hashRecoveryCode(code: string): string {
  return sha256(`recovery ${code.toLowerCase().replace(/[\s-]/g, '')}`)
}

/** `xxxx-xxxx-xxxx-xxxx`, 80 random bits. */
function newRecoveryCode(): string {
  const letters = [...randomBytes(recoveryCodeBytes)].map((byte) => alphabet[byte % alphabet.length] ?? '').join('')
  return letters.replace(/(.{4})(?=.)/g, '$1-')
}
