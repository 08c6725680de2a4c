import { isAscii } from 'node:buffer'
import { releaseArrays } from '../../core/buffers.ts'
import { decodeUtf8 } from './bytes.ts'
import { asciiTokenCodes, tokenize } from './tokens.ts'

/**
 * Bits set for each token. With 12 bits a token 0.3 % of foreign tokens pass, with 20 bits 0.02 %: a word without a
 * field is asked of every column of a block, so those with few tokens must add next to nothing.
 */
const probes = 7
const bitsPerToken = 12
const bitsPerTokenOfFew = 20
const fewTokens = 512

/** Parts that a filter of many tokens has in a segment, so that ruling a token out reads one of them. A power of 2. */
export const filterPartitions = 64
/** A longer filter of a segment is partitioned. */
export const wholeFilterBytesMax = (fewTokens * bitsPerTokenOfFew) / 8

/** Distinct token hashes being collected: open addressing, 0 marks a free slot. Reusable over columns. */
export interface TokenSet {
  slots: Int32Array
  /** The hashes, and the slot of each, so that a small set stays cheap in a large table. */
  hashes: Int32Array
  used: Uint32Array
  count: number
}

export function createTokenSet(): TokenSet {
  return { slots: new Int32Array(1024), hashes: new Int32Array(512), used: new Uint32Array(512), count: 0 }
}

export function clearTokens(set: TokenSet): void {
  for (let i = 0; i < set.count; i++) set.slots[set.used[i]!] = 0
  set.count = 0
}

/** 32-bit FNV-1a, signed, over the UTF-16 units of a folded token; 0 becomes 1. */
export function hashToken(token: string): number {
  let hash = hashStart
  for (let i = 0; i < token.length; i++) hash = Math.imul(hash ^ token.charCodeAt(i), 0x01000193)
  return hash || 1
}

const hashStart = 0x811c9dc5 | 0

/** Adds the tokens of a text. */
export function addTokensOfText(set: TokenSet, text: string): void {
  for (const token of tokenize(text)) addHash(set, hashToken(token))
}

/** Adds the tokens of texts that follow each other, in UTF-8, from bytes[start] on; `lengths` are in bytes. */
export function addTokensOfList(set: TokenSet, bytes: Uint8Array, start: number, lengths: Float64Array): void {
  const listEnd = lengths.reduce((sum, length) => sum + length, start)
  const allAscii = isAscii(bytes.subarray(start, listEnd))
  let at = start
  for (let i = 0; i < lengths.length; i++) {
    const end = at + lengths[i]!
    if (allAscii || isAsciiText(bytes, at, end)) addTokensOfAscii(set, bytes, at, end)
    else addTokensOfText(set, decodeUtf8(bytes, at, end))
    at = end
  }
}

function isAsciiText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return false
  return true
}

function addTokensOfAscii(set: TokenSet, bytes: Uint8Array, start: number, end: number): void {
  let { slots } = set
  let mask = slots.length - 1
  for (let i = start; i < end;) {
    let code = asciiTokenCodes[bytes[i++]!]!
    if (code === 0) continue
    let hash = hashStart
    do {
      hash = Math.imul(hash ^ code, 0x01000193)
      code = i < end ? asciiTokenCodes[bytes[i++]!]! : 0
    } while (code !== 0)
    // Most tokens are in the set already, and in their own slot: no call for them.
    if (slots[slotOf(hash, mask)] === hash && hash !== 0) continue
    addHash(set, hash || 1)
    slots = set.slots
    mask = slots.length - 1
  }
}

/** Digits of an integer, the lowest first. */
const digits = new Uint8Array(20)

/** Adds the tokens of integers below 10^20 as their decimal text has them: the digits, without a sign. */
export function addTokensOfIntegers(set: TokenSet, integers: Float64Array): void {
  let before = NaN
  for (let i = 0; i < integers.length; i++) {
    let rest = Math.abs(integers[i]!)
    if (rest === before) continue
    before = rest
    let count = 0
    do {
      const next = Math.floor(rest / 10)
      digits[count++] = rest - next * 10
      rest = next
    } while (rest > 0)
    let hash = hashStart
    while (count > 0) hash = Math.imul(hash ^ (0x30 + digits[--count]!), 0x01000193)
    addHash(set, hash || 1)
  }
}

/** The filter of all tokens of `set`. */
export function wholeFilter(set: TokenSet): Uint8Array {
  const filter = new Uint8Array(Math.ceil((set.count * (set.count <= fewTokens ? bitsPerTokenOfFew : bitsPerToken)) / 8))
  for (let i = 0; i < set.count; i++) setBits(filter, 0, filter.length, mix(set.hashes[i]!))
  return filter
}

/** The same as it stands in a segment: of many tokens, `filterPartitions` filters of equal length, one after the other. */
export function segmentFilter(set: TokenSet): Uint8Array {
  if (set.count <= fewTokens) return wholeFilter(set)
  const loads = new Uint32Array(filterPartitions)
  for (let i = 0; i < set.count; i++) loads[partitionOfHash(set.hashes[i]!)]!++
  // Room for the fullest: loads vary, and a crowded part would let too much pass.
  const room = Math.ceil((loads.reduce((most, load) => Math.max(most, load)) * bitsPerToken) / 8)
  const length = Math.max(room, Math.floor(wholeFilterBytesMax / filterPartitions) + 1)
  const filter = new Uint8Array(length * filterPartitions)
  for (let i = 0; i < set.count; i++) {
    const mixed = mix(set.hashes[i]!)
    setBits(filter, (mixed & (filterPartitions - 1)) * length, length, mixed)
  }
  return filter
}

/** The partition that a token belongs to: of bits that the places within a partition hardly depend on. */
export function partitionOfHash(hash: number): number {
  return mix(hash) & (filterPartitions - 1)
}

/** Sets the bits of a token, given its mixed hash, in the filter that is bytes[start..start + length). */
function setBits(bytes: Uint8Array, start: number, length: number, mixed: number): void {
  const scale = (length * 8) / 0x1_0000_0000
  let probe = mixed
  const step = mix(probe ^ 0x9e3779b9) | 1
  for (let i = 0; i < probes; i++) {
    const bit = ((probe >>> 0) * scale) | 0
    bytes[start + (bit >>> 3)]! |= 1 << (bit & 7)
    probe = (probe + step) | 0
  }
}

/** False only when the token was not in the set that filled the filter (or partition). */
export function bloomHas(filter: Uint8Array, hash: number): boolean {
  const scale = (filter.length * 8) / 0x1_0000_0000
  let probe = mix(hash)
  const step = mix(probe ^ 0x9e3779b9) | 1
  for (let i = 0; i < probes; i++) {
    const bit = ((probe >>> 0) * scale) | 0
    if ((filter[bit >>> 3]! & (1 << (bit & 7))) === 0) return false
    probe = (probe + step) | 0
  }
  return true
}

function addHash(set: TokenSet, hash: number): void {
  const { slots } = set
  const mask = slots.length - 1
  let at = slotOf(hash, mask)
  for (;;) {
    const held = slots[at]!
    if (held === hash) return
    if (held === 0) break
    at = (at + 1) & mask
  }
  slots[at] = hash
  set.hashes[set.count] = hash
  set.used[set.count++] = at
  if (set.count === set.used.length) grow(set)
}

function slotOf(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask
}

/** Keeps the table at most half full. */
function grow(set: TokenSet): void {
  const { slots, hashes, used, count } = set
  set.slots = new Int32Array(slots.length * 2)
  set.hashes = new Int32Array(hashes.length * 2)
  set.used = new Uint32Array(used.length * 2)
  set.count = 0
  for (let i = 0; i < count; i++) addHash(set, hashes[i]!)
  releaseArrays(slots, hashes, used)
}

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
