import { createHash, randomBytes } from 'node:crypto'
import { toHex } from '../../core/bytes.ts'
import { keyKinds } from '../../core/permissions.ts'
import type { KeyKind } from '../../core/permissions.ts'
import { sha256 } from '../auth/hash.ts'

/**
 * `elk_<kind>_<43 characters: 32 random bytes in base62><6 characters: checksum>`. The checksum tells a mistyped or cut
 * key from an unknown one without asking D1; it is no secret and proves nothing.
 */
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const randomByteCount = 32
/** Digits that 256 bits, and 32 bits, need in base62. */
const randomChars = 43
const checksumChars = 6
const hintChars = 4
const keyPattern = new RegExp(`^(elk_(?:${keyKinds.join('|')})_[0-9A-Za-z]{${randomChars}})([0-9A-Za-z]{${checksumChars}})$`)

export interface NewKey {
  key: string
  keyHash: string
  hint: string
}

/** A new key, to be shown once, with what is stored of it. */
export function newApiKey(kind: KeyKind): NewKey {
  const body = `elk_${kind}_${base62(randomBytes(randomByteCount), randomChars)}`
  const key = body + checksum(body)
  return { key, keyHash: hashApiKey(key), hint: key.slice(-hintChars) }
}

/** Whether the text has the form of a key and its checksum is right. */
export function isWellFormedKey(text: string): boolean {
  const [, body, sum] = keyPattern.exec(text) ?? []
  return body !== undefined && sum === checksum(body)
}

/** What is stored of a key. With 256 random bits a plain SHA-256 is enough. */
export function hashApiKey(key: string): string {
  return sha256(key)
}

function checksum(body: string): string {
  return base62(createHash('sha256').update(body).digest().subarray(0, 4), checksumChars)
}

function base62(bytes: Uint8Array, chars: number): string {
  let value = BigInt(`0x${toHex(bytes)}`)
  let text = ''
  for (let i = 0; i < chars; i += 1) {
    text = alphabet.charAt(Number(value % 62n)) + text
    value /= 62n
  }
  return text
}
