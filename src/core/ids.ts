import { seqMax, shardNumberMax } from './limits.ts'

/**
 * A UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits. Sorts by time; not a secret.
 * `random` gives 10 bytes.
 */
export function uuidv7(nowMs: number, random: Uint8Array = crypto.getRandomValues(new Uint8Array(10))): string {
  const time = Math.floor(nowMs).toString(16).padStart(12, '0')
  const bytes = Uint8Array.from(random.subarray(0, 10))
  bytes[0] = 0x70 | ((bytes[0] ?? 0) & 0x0f)
  bytes[2] = 0x80 | ((bytes[2] ?? 0) & 0x3f)
  const tail = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${time.slice(0, 8)}-${time.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`
}

/**
 * A source of UUIDv7 that rise from one to the next, also within a millisecond (RFC 9562, section 6.2, method 1): what one
 * request writes stays in the order in which it was made. Other sources have no order within the same millisecond.
 */
export function createUuidv7(now: () => number): () => string {
  let lastMs = 0
  let counter = 0
  return () => {
    const random = crypto.getRandomValues(new Uint8Array(10))
    const nowMs = Math.floor(now())
    if (nowMs > lastMs) {
      lastMs = nowMs
      // The upper half of the 12 bits is left to count in.
      counter = (((random[0] ?? 0) & 0x07) << 8) | (random[1] ?? 0)
    } else if (++counter > 0xfff) {
      lastMs += 1
      counter = 0
    }
    random[0] = counter >> 8
    random[1] = counter & 0xff
    return uuidv7(lastMs, random)
  }
}

/** What every UUIDv7 of that millisecond or a later one is above, and every earlier one below. */
export function uuidv7Bound(ms: number): string {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}`
}

/** Name of the Durable Object of a shard; `organizationId` must be the authenticated one. */
export function shardName({ organizationId, region, shard }: { organizationId: string; region: string; shard: number }): string {
  return `${organizationId}/${region}/${shard}`
}

/** Crockford's base32, lower case: no i, l, o, u. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const logIdPattern = /^[0-9a-f][0-9a-hjkmnp-tv-z]{12}$/

/** The public id of a row: 13 characters that sort by (shard, seq). Throws RangeError outside the limits. */
export function encodeLogId(shard: number, seq: number): string {
  if (!Number.isInteger(shard) || shard < 0 || shard > shardNumberMax) throw new RangeError(`shard number out of range: ${shard}`)
  if (!Number.isInteger(seq) || seq < 0 || seq > seqMax) throw new RangeError(`sequence number out of range: ${seq}`)
  // 65 bits in three parts that each stay within 32-bit integers: 20 + 20 + 25.
  const high = shard * 8 + Math.floor(seq / 2 ** 45)
  const middle = Math.floor(seq / 2 ** 25) % 2 ** 20
  return base32(high, 4) + base32(middle, 4) + base32(seq % 2 ** 25, 5)
}

/** Undefined for anything that `encodeLogId` cannot have made. */
export function decodeLogId(text: string): { shard: number; seq: number } | undefined {
  if (!logIdPattern.test(text)) return undefined
  const high = fromBase32(text.slice(0, 4))
  const shard = Math.floor(high / 8)
  const seq = (high % 8) * 2 ** 45 + fromBase32(text.slice(4, 8)) * 2 ** 25 + fromBase32(text.slice(8))
  return { shard, seq }
}

function base32(value: number, chars: number): string {
  let text = ''
  for (let shift = (chars - 1) * 5; shift >= 0; shift -= 5) text += alphabet.charAt((value >> shift) & 31)
  return text
}

function fromBase32(text: string): number {
  let value = 0
  for (const char of text) value = value * 32 + alphabet.indexOf(char)
  return value
}
