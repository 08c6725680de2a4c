import { releaseArrays, releaseBytes } from '../../core/buffers.ts'
import { blockRawBytesMax } from '../../core/limits.ts'
import { extentOf } from '../encode/extent.ts'
import type { BlockBuffer } from './block_buffer.ts'
import type { ColumnBuffer } from './column_buffer.ts'
import { withoutUnused } from './column_buffer.ts'
import type { ColumnSinks, Filtering } from './column_writer.ts'
import { createColumnSinks, writeLayout, writePresence } from './column_writer.ts'
import type { ColumnEntry, Directory, Layout, PresenceEntry } from './directory.ts'
import { systemColumns } from './format.ts'
import { writePages } from './page_writer.ts'
import { sameTexts, textOf } from './text_entries.ts'
import type { BlockMeta } from './types.ts'

/** A block before its head is written. */
export interface EncodedBuffer {
  directory: Directory
  body: Uint8Array
  /** Token filters, in directory order, of the columns that have one. */
  filters: Uint8Array[]
  meta: Omit<BlockMeta, 'bytes'>
  /** Raw bytes of all pages. */
  rawBytes: number
}

/** Encodes the rows of a buffer. Throws RangeError when they take too much. */
export function encodeBuffer(buffer: BlockBuffer, filtering: Filtering): EncodedBuffer {
  const { rows, minMs, maxMs, severityCounts, system } = buffer
  const attributes = buffer.attributes.map(withoutUnused)
  // Room for all texts, and for numbers and codes of two bytes: it grows where they take more.
  const sinks = createColumnSinks(buffer.textUnits + 2 * (buffer.values + systemColumns.length * rows), filtering)
  const presences = writePresences(sinks, attributes, rows)
  const ends = [sinks.raw.length]
  const { seq: seqColumn, ...always } = system
  const firstSeq = firstSeqOf(seqColumn)
  const columns = [...Object.values(always), ...(firstSeq.consecutive ? [] : [seqColumn]), ...attributes]
  const originalOf = copyFinder(columns)
  const entries = columns.map((column, index): ColumnEntry => {
    const { system: code, name } = column
    const presence = presences.of.get(column)
    const of = originalOf(index, presence)
    const layout: Layout = of === undefined ? writeLayout(sinks, column) : { kind: 'copy', of }
    ends.push(sinks.raw.length)
    return { system: code, name, presence, layout }
  })
  const rawBytes = sinks.raw.length
  if (rawBytes > blockRawBytesMax) throw new RangeError(`a block of ${rawBytes} raw bytes is too large`)
  const { entries: pages, body } = writePages(sinks.raw, ends)
  releaseBytes(sinks.raw.bytes)
  const { slots, hashes, used } = sinks.tokens
  releaseArrays(slots, hashes, used)
  return {
    directory: { pages, presences: presences.entries, columns: entries },
    body,
    filters: sinks.filters,
    meta: { firstSeq: firstSeq.seq, rows, minMs, maxMs, severityCounts },
    rawBytes,
  }
}

/** Finds the earlier column with the same values in the same rows, such as a request's id under two names. */
function copyFinder(columns: readonly ColumnBuffer[]): (index: number, presence: number | undefined) => number | undefined {
  const candidates = new Map<string, number>()
  return (index, presence) => {
    const column = columns[index]!
    const { codes, count, entries, texts, textUnits } = column
    const size = texts?.count ?? entries.length
    if (codes === undefined || size === 1) return undefined
    const second = texts === undefined ? String(entries[1]) : textOf(texts, 1)
    // One candidate for each key: comparing stays linear, whatever a producer sends.
    const key = `${texts === undefined} ${presence} ${count} ${size} ${textUnits} ${second.slice(0, 40)}`
    const candidate = candidates.get(key)
    if (candidate !== undefined && sameValues(columns[candidate]!, column)) return candidate
    candidates.set(key, index)
    return undefined
  }
}

function sameValues(one: ColumnBuffer, other: ColumnBuffer): boolean {
  for (let i = 0; i < one.count; i++) if (one.codes![i] !== other.codes![i]) return false
  if (one.texts !== undefined && other.texts !== undefined) return sameTexts(one.texts, other.texts)
  return one.entries.every((entry, i) => entry === other.entries[i])
}

/** The smallest sequence number (0 when rows carry none), and whether the others just follow it. */
function firstSeqOf({ numbers, count }: ColumnBuffer): { seq: number; consecutive: boolean } {
  if (numbers === undefined) return { seq: 0, consecutive: true }
  const seqs = numbers.subarray(0, count)
  const [seq = 0] = extentOf(seqs)
  return { seq, consecutive: isConsecutive(seqs) }
}

function isConsecutive(seqs: Float64Array): boolean {
  for (let i = 1; i < seqs.length; i++) if (seqs[i] !== seqs[0]! + i) return false
  return true
}

/** Writes each different set of rows once; columns that every row has are left out of `of`. */
function writePresences({ raw }: ColumnSinks, columns: readonly ColumnBuffer[], rows: number) {
  const entries: PresenceEntry[] = []
  const known = new Map<string, { present: Uint16Array; index: number }>()
  const of = new Map<ColumnBuffer, number>()
  for (const column of columns) {
    if (column.count === rows) continue
    const present = column.rows.subarray(0, column.count)
    // One candidate for each key: comparing stays linear, whatever a producer sends.
    const key = `${present.length} ${present[0]} ${present[present.length >>> 1]} ${present[present.length - 1]}`
    let candidate = known.get(key)
    if (candidate === undefined || !sameRows(candidate.present, present)) {
      candidate = { present, index: entries.push(writePresence(raw, present, rows)) - 1 }
      known.set(key, candidate)
    }
    of.set(column, candidate.index)
  }
  return { entries, of }
}

function sameRows(one: Uint16Array, other: Uint16Array): boolean {
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}
