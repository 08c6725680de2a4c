import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { concatBytes, fromBase64Url, toBase64Url } from '../core/bytes.ts'

export interface SealingKey {
  readonly kid: string
  /** 32 bytes in base64url. */
  readonly k: string
}

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

/**
 * A secret as D1 may hold it: `<kid>.<base64url of nonce, ciphertext and tag>`, AES-256-GCM under the first key. `place` (table and row)
 * is bound to it, so that a sealed value is of no use in another place.
 */
export function seal([key]: readonly SealingKey[], place: string, text: string): string {
  if (key === undefined) throw new Error('ENCRYPTION_KEYS holds no key')
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, fromBase64Url(key.k), nonce).setAAD(new TextEncoder().encode(place))
  const sealed = concatBytes(nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag())
  return `${key.kid}.${toBase64Url(sealed)}`
}

/** The text of a sealed value; throws when it was changed, belongs elsewhere, or its key is gone. */
export function unseal(keys: readonly SealingKey[], place: string, sealed: string): string {
  const [kid, data = ''] = sealed.split('.')
  const key = keys.find((candidate) => candidate.kid === kid)
  if (key === undefined) throw new Error('a sealed value names a key that ENCRYPTION_KEYS does not hold')
  const bytes = fromBase64Url(data)
  if (bytes.length < nonceBytes + tagBytes) throw new Error('a sealed value is too short')
  const tagAt = bytes.length - tagBytes
  const opener = createDecipheriv(algorithm, fromBase64Url(key.k), bytes.subarray(0, nonceBytes)).setAAD(new TextEncoder().encode(place))
  opener.setAuthTag(bytes.subarray(tagAt))
  const text = concatBytes(opener.update(bytes.subarray(nonceBytes, tagAt)), opener.final())
  return new TextDecoder().decode(text)
}
