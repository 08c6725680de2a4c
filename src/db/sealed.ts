import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
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
export function seal(keys: readonly SealingKey[], place: string, text: string): string {
  return sealWith(keys, place, text, () => randomBytes(nonceBytes))
}

/**
 * The same, but the same text gives the same value as long as the key is the first: for what is sent again. The nonce is made of the
 * text, so that one nonce never seals two texts; who sees two values learns whether they are of one text.
 */
export function sealSame(keys: readonly SealingKey[], place: string, text: string): string {
  return sealWith(keys, place, text, (key) => {
    const mac = createHmac('sha256', fromBase64Url(key.k)).update(`nonce\0${place}\0${text}`)
    return mac.digest().subarray(0, nonceBytes)
  })
}

function sealWith([key]: readonly SealingKey[], place: string, text: string, nonceOf: (key: SealingKey) => Uint8Array): string {
  if (key === undefined) throw new Error('ENCRYPTION_KEYS holds no key')
  const nonce = nonceOf(key)
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
