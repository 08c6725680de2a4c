import { createHash } from 'node:crypto'

/** SHA-256 in hex: how tokens with full entropy, and keys to look things up by, are stored. Not for passwords. */
export function sha256(value: string | Uint8Array): string {
  return createHash('sha256').update(value).digest('hex')
}
