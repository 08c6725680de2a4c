import { Buffer } from 'node:buffer'

/**
 * A hash of 53 bits over bytes[start..end), from 1 to 2^53 - 1: two lanes of multiply and rotate over 32-bit words, then MurmurHash3's finalizer.
 * For counting, not for security. The same text always has the same hash, whatever column it stands in.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let a = 0x9e3779b9 ^ (end - start)
  let b = 0x7f4a7c15
  let i = start
  for (; i + 4 <= end; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    a = Math.imul(a ^ word, 0xcc9e2d51)
    a = (a << 15) | (a >>> 17)
    b = Math.imul(b ^ word, 0x1b873593)
    b = (b << 13) | (b >>> 19)
  }
  let last = 0
  for (let shift = 0; i < end; i++, shift += 8) last |= bytes[i]! << shift
  a = mix(a ^ last)
  b = mix(Math.imul(b ^ last, 0xe6546b65) + a)
  a = mix(a + b)
  return (a >>> 11) * 2 ** 32 + (b >>> 0) || 1
}

/** The same of a text in UTF-8. */
export function hashText(text: string): number {
  if (text.length > scratch.length / 3) return hashBytes(Buffer.from(text), 0, Buffer.byteLength(text))
  return hashBytes(scratch, 0, scratch.write(text))
}

const scratch = Buffer.alloc(3 * 512)

function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
