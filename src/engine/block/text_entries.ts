import { releaseArrays } from '../../core/buffers.ts'
import { copyBytes, decodeUtf8 } from '../encode/bytes.ts'
import type { TextPage } from './types.ts'

/** Texts kept as UTF-8, one after the other: entry i is bytes[ends[i - 1] .. ends[i]), from 0 for the first. */
export interface TextEntries {
  count: number
  bytes: Uint8Array
  ends: Uint32Array
  /** Finds the entry of a text that came before; undefined once it is plain that texts hardly repeat. */
  index: TextIndex | undefined
}

/** Open addressing over hashes of bytes. */
interface TextIndex {
  /** Entry + 1, 0 marks a free slot. */
  slots: Uint32Array
  hashes: Uint32Array
  lookups: number
  hits: number
}

/**
 * A text drawn from D different ones repeats about n^2 / 2D times among n. With fewer repeats than these D is so large
 * that most texts of a full block differ, and looking each one up would be for nothing.
 */
const firstSample = { lookups: 2048, hitsMin: 10 }
const secondSample = { lookups: 8192, hitsMin: 200 }

/** Texts with room for so many, and for so many bytes, at first. */
export function createTextEntries(texts: number, bytes: number): TextEntries {
  const index = { slots: new Uint32Array(1024), hashes: new Uint32Array(512), lookups: 0, hits: 0 }
  return { count: 0, bytes: new Uint8Array(bytes), ends: new Uint32Array(texts), index }
}

/** Frees the arrays of texts that nobody needs any more. */
export function releaseTexts({ bytes, ends, index }: TextEntries): void {
  releaseArrays(bytes, ends, index?.slots, index?.hashes)
}

/** Where the bytes of an entry begin. */
export function startOf({ ends }: TextEntries, entry: number): number {
  return entry === 0 ? 0 : ends[entry - 1]!
}

export function bytesOfEntries({ count, ends }: TextEntries): number {
  return count === 0 ? 0 : ends[count - 1]!
}

export function textOf(entries: TextEntries, entry: number): string {
  return decodeUtf8(entries.bytes, startOf(entries, entry), entries.ends[entry])
}

/** The same texts, each of them once, and the codes that go with them. */
export function distinctTexts(texts: TextEntries, codes: Uint32Array): { texts: TextEntries; codes: Uint32Array } {
  const distinct = createTextEntries(texts.count, bytesOfEntries(texts))
  const codeOf = new Uint32Array(texts.count)
  for (let entry = 0; entry < texts.count; entry++)
    codeOf[entry] = entryOf(distinct, texts.bytes, startOf(texts, entry), texts.ends[entry]!)
  return { texts: distinct, codes: codes.map((code) => codeOf[code]!) }
}

/** Whether both hold the same texts under the same numbers. */
export function sameTexts(one: TextEntries, other: TextEntries): boolean {
  const bytes = bytesOfEntries(one)
  if (one.count !== other.count || bytes !== bytesOfEntries(other)) return false
  for (let entry = 0; entry < one.count; entry++) if (one.ends[entry] !== other.ends[entry]) return false
  return Buffer.compare(one.bytes.subarray(0, bytes), other.bytes.subarray(0, bytes)) === 0
}

/** The entry of the text bytes[start..end), a new one when it has not come before. */
export function entryOf(entries: TextEntries, bytes: Uint8Array, start: number, end: number): number {
  const { index } = entries
  if (index === undefined) return appendText(entries, bytes, start, end)
  const hash = hashBytes(bytes, start, end)
  const mask = index.slots.length - 1
  let at = (hash ^ (hash >>> 15)) & mask
  for (let held = index.slots[at]!; held !== 0; held = index.slots[at]!) {
    if (index.hashes[held - 1] === hash && isEntry(entries, held - 1, bytes, start, end)) return held - 1
    at = (at + 1) & mask
  }
  const entry = appendText(entries, bytes, start, end)
  index.slots[at] = entry + 1
  index.hashes[entry] = hash
  if (entries.count === index.hashes.length) growIndex(index)
  return entry
}

/** `entryOf` for texts that nobody knows to repeat: it stops looking for repeats when there are too few. */
export function sampledEntryOf(entries: TextEntries, bytes: Uint8Array, start: number, end: number): number {
  const { count, index } = entries
  const entry = entryOf(entries, bytes, start, end)
  if (index === undefined) return entry
  index.lookups++
  if (entry < count) index.hits++
  const { lookups, hits } = index
  const isUnique = lookups === firstSample.lookups && hits < firstSample.hitsMin
  if (!isUnique && (lookups !== secondSample.lookups || hits >= secondSample.hitsMin)) return entry
  releaseArrays(index.slots, index.hashes)
  entries.index = undefined
  return entry
}

/** A new entry with the text bytes[start..end); answers its number. */
function appendText(entries: TextEntries, bytes: Uint8Array, start: number, end: number): number {
  const at = makeRoom(entries, 1, end - start)
  copyBytes(entries.bytes, at, bytes, start, end)
  entries.ends[entries.count] = at + end - start
  return entries.count++
}

/** New entries with `count` texts that follow each other, text i being bytes[offsets[i] .. offsets[i + 1]); answers the first one's number. */
export function appendTexts(
  entries: TextEntries,
  { bytes, offsets }: Pick<TextPage, 'bytes' | 'offsets'>,
  first: number,
  count: number,
): number {
  const start = offsets[first]!
  if (count === 1) return appendText(entries, bytes, start, offsets[first + 1]!)
  const end = offsets[first + count]!
  const at = makeRoom(entries, count, end - start)
  entries.bytes.set(bytes.subarray(start, end), at)
  const { ends, count: entry } = entries
  const shift = at - start
  for (let i = 0; i < count; i++) ends[entry + i] = offsets[first + i + 1]! + shift
  entries.count += count
  return entry
}

/** Makes room for more entries and answers where their bytes begin. */
function makeRoom(entries: TextEntries, count: number, length: number): number {
  const at = bytesOfEntries(entries)
  if (at + length > entries.bytes.length) entries.bytes = grown(entries.bytes, at + length)
  if (entries.count + count > entries.ends.length) {
    const ends = new Uint32Array(Math.max(entries.count + count, entries.ends.length * 2))
    ends.set(entries.ends)
    releaseArrays(entries.ends)
    entries.ends = ends
  }
  return at
}

function grown(bytes: Uint8Array, length: number): Uint8Array {
  const larger = new Uint8Array(Math.max(length, bytes.length * 2))
  larger.set(bytes)
  releaseArrays(bytes)
  return larger
}

function isEntry(entries: TextEntries, entry: number, bytes: Uint8Array, start: number, end: number): boolean {
  const from = startOf(entries, entry)
  if (entries.ends[entry]! - from !== end - start) return false
  for (let i = start; i < end; i++) if (bytes[i] !== entries.bytes[from + i - start]) return false
  return true
}

function growIndex(index: TextIndex): void {
  const { hashes } = index
  const slots = new Uint32Array(index.slots.length * 2)
  const mask = slots.length - 1
  for (let entry = 0; entry < hashes.length; entry++) {
    let at = (hashes[entry]! ^ (hashes[entry]! >>> 15)) & mask
    while (slots[at] !== 0) at = (at + 1) & mask
    slots[at] = entry + 1
  }
  releaseArrays(index.slots)
  index.slots = slots
  index.hashes = new Uint32Array(hashes.length * 2)
  index.hashes.set(hashes)
  releaseArrays(hashes)
}

/** 32-bit FNV-1a. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash >>> 0
}
