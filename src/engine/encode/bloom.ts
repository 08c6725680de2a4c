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
  slots: Uint32Array
  /** The slots in use, so that a small set stays cheap in a large table. */
  used: Uint32Array
  count: number
}

export function createTokenSet(): TokenSet {
  return { slots: new Uint32Array(1024), used: new Uint32Array(512), count: 0 }
}

export function clearTokens(set: TokenSet): void {
  for (let i = 0; i < set.count; i++) set.slots[set.used[i]!] = 0
  set.count = 0
}

/** 32-bit FNV-1a over the UTF-16 units of a folded token; 0 becomes 1. */
export function hashToken(token: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < token.length; i++) hash = Math.imul(hash ^ token.charCodeAt(i), 0x01000193)
  return hash >>> 0 || 1
}

/** Adds the tokens of a text. */
export function addTokensOfText(set: TokenSet, text: string): void {
  for (const token of tokenize(text)) addHash(set, hashToken(token))
}

/** Adds the tokens of bytes[start..end), which must be ASCII: answers false at the first byte that is not. */
export function addTokensOfAscii(set: TokenSet, bytes: Uint8Array, start: number, end: number): boolean {
  let hash = 0x811c9dc5
  let inside = false
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte > 0x7f) return false
    const code = asciiTokenCodes[byte]!
    if (code !== 0) {
      hash = Math.imul(hash ^ code, 0x01000193)
      inside = true
    } else if (inside) {
      addHash(set, hash >>> 0 || 1)
      hash = 0x811c9dc5
      inside = false
    }
  }
  if (inside) addHash(set, hash >>> 0 || 1)
  return true
}

/** The filter of all tokens of `set`. */
export function wholeFilter(set: TokenSet): Uint8Array {
  const filter = new Uint8Array(Math.ceil((set.count * (set.count <= fewTokens ? bitsPerTokenOfFew : bitsPerToken)) / 8))
  for (let i = 0; i < set.count; i++) setBits(filter, 0, filter.length, set.slots[set.used[i]!]!)
  return filter
}

/** The same as it stands in a segment: of many tokens, `filterPartitions` filters of equal length, one after the other. */
export function segmentFilter(set: TokenSet): Uint8Array {
  if (set.count <= fewTokens) return wholeFilter(set)
  const loads = new Uint32Array(filterPartitions)
  for (let i = 0; i < set.count; i++) loads[partitionOfHash(set.slots[set.used[i]!]!)]!++
  // Room for the fullest: loads vary, and a crowded part would let too much pass.
  const room = Math.ceil((loads.reduce((most, load) => Math.max(most, load)) * bitsPerToken) / 8)
  const length = Math.max(room, Math.floor(wholeFilterBytesMax / filterPartitions) + 1)
  const filter = new Uint8Array(length * filterPartitions)
  for (let i = 0; i < set.count; i++) {
    const hash = set.slots[set.used[i]!]!
    setBits(filter, partitionOfHash(hash) * length, length, hash)
  }
  return filter
}

/** The partition that a token belongs to: of bits that the places within a partition hardly depend on. */
export function partitionOfHash(hash: number): number {
  return mix(hash) & (filterPartitions - 1)
}

/** Sets the bits of a token in the filter that is bytes[start..start + length). */
function setBits(bytes: Uint8Array, start: number, length: number, hash: number): void {
  const bits = length * 8
  let probe = mix(hash)
  const step = mix(probe ^ 0x9e3779b9) | 1
  for (let i = 0; i < probes; i++) {
    const bit = Math.floor(((probe >>> 0) / 0x1_0000_0000) * bits)
    bytes[start + (bit >>> 3)]! |= 1 << (bit & 7)
    probe = (probe + step) | 0
  }
}

/** False only when the token was not in the set that filled the filter (or partition). */
export function bloomHas(filter: Uint8Array, hash: number): boolean {
  const bits = filter.length * 8
  let probe = mix(hash)
  const step = mix(probe ^ 0x9e3779b9) | 1
  for (let i = 0; i < probes; i++) {
    const bit = Math.floor(((probe >>> 0) / 0x1_0000_0000) * bits)
    if ((filter[bit >>> 3]! & (1 << (bit & 7))) === 0) return false
    probe = (probe + step) | 0
  }
  return true
}

function addHash(set: TokenSet, hash: number): void {
  const { slots } = set
  const mask = slots.length - 1
  let at = (hash ^ (hash >>> 15)) & mask
  for (;;) {
    const held = slots[at]!
    if (held === hash) return
    if (held === 0) break
    at = (at + 1) & mask
  }
  slots[at] = hash
  set.used[set.count++] = at
  if (set.count === set.used.length) grow(set)
}

/** Keeps the table at most half full. */
function grow(set: TokenSet): void {
  const { slots, used, count } = set
  set.slots = new Uint32Array(slots.length * 2)
  set.used = new Uint32Array(used.length * 2)
  set.count = 0
  for (let i = 0; i < count; i++) addHash(set, slots[used[i]!]!)
}

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the output. */
function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
