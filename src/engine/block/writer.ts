import { blockBytesMax, blockRawBytesMax, blockTextUnitsMax } from '../../core/limits.ts'
import type { EncodableRow, StoredRow } from '../row.ts'
import type { BlockBuffer, RowExtra } from './block_buffer.ts'
import { addRow, checkRow, createBuffer, isFull } from './block_buffer.ts'
import type { ColumnBuffer } from './column_buffer.ts'
import { withoutUnused } from './column_buffer.ts'
import type { ColumnSinks } from './column_writer.ts'
import { createColumnSinks, writeLayout, writePresence } from './column_writer.ts'
import type { ColumnEntry, Layout, PresenceEntry } from './directory.ts'
import { writeHead } from './head.ts'
import { writePages } from './pages.ts'
import { noReadCost } from './read_cost.ts'
import { openBlock } from './reader.ts'
import type { EncodedBlock } from './types.ts'

export interface BlockBuilder {
  /** Takes over a row; the caller may reuse the object. Throws RangeError when a field is out of its range. */
  add(row: EncodableRow, extra?: RowExtra): void
  /** The rows as blocks, in order of arrival; the builder is then empty and can be used again. */
  finish(): EncodedBlock[]
}

/** Collects rows and cuts them into blocks that fit every limit. `createdMs` is when the rows were received. */
export function createBlockBuilder(createdMs: number): BlockBuilder {
  let buffer = createBuffer()
  let blocks: EncodedBlock[] = []
  let unitsMax = blockTextUnitsMax

  function cut(): void {
    if (buffer.rows === 0) return
    const encoded = encodeWithin(buffer)
    // Encoding twice is dear: text that hardly compressed tells where to cut the text that follows.
    if (encoded.length > 1) unitsMax = Math.floor(buffer.textUnits / encoded.length)
    blocks.push(...encoded)
    buffer = createBuffer()
  }

  return {
    add(row, extra) {
      checkRow(row)
      if (isFull(buffer, row.names.length, unitsMax)) cut()
      addRow(buffer, row, extra, createdMs)
    },
    finish() {
      cut()
      const finished = blocks
      blocks = []
      return finished
    },
  }
}

/** One block, or several when one would be too large to store. */
function encodeWithin(buffer: BlockBuffer): EncodedBlock[] {
  const block = encode(buffer)
  if (block.meta.bytes <= blockBytesMax) return [block]
  if (buffer.rows === 1) throw new RangeError(`a row of ${block.meta.bytes} bytes does not fit a block`)
  const hasSeq = buffer.system.seq.count > 0
  const rows = openBlock(block.meta, block.head, () => block.body, noReadCost()).materialise(
    Array.from({ length: buffer.rows }, (_, row) => row),
  )
  // A fifth more than needed, since parts share less than the whole does.
  const partRows = Math.ceil(buffer.rows / Math.ceil((block.meta.bytes / blockBytesMax) * 1.2))
  const blocks: EncodedBlock[] = []
  for (let start = 0; start < rows.length; start += partRows)
    blocks.push(...encodeWithin(bufferOf(rows.slice(start, start + partRows), hasSeq)))
  return blocks
}

function bufferOf(rows: readonly StoredRow[], hasSeq: boolean): BlockBuffer {
  const buffer = createBuffer()
  for (const { attributes, seq, createdMs, updatedMs, ...fields } of rows) {
    const row = { ...fields, names: Object.keys(attributes), values: Object.values(attributes) }
    addRow(buffer, row, hasSeq ? { seq, createdMs, updatedMs } : { createdMs, updatedMs }, createdMs)
  }
  return buffer
}

function encode(buffer: BlockBuffer): EncodedBlock {
  const { rows, minMs, maxMs, severityCounts, system } = buffer
  const attributes = buffer.attributes.map(withoutUnused)
  const sinks = createColumnSinks()
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
  if (sinks.raw.length > blockRawBytesMax) throw new RangeError(`a block of ${sinks.raw.length} raw bytes is too large`)
  const { entries: pages, body } = writePages(sinks.raw, ends)
  const meta = { firstSeq: firstSeq.seq, rows, minMs, maxMs, severityCounts }
  const head = writeHead(meta, body.length, { pages, presences: presences.entries, columns: entries }, sinks.blooms)
  return { head, body, meta: { ...meta, bytes: head.length + body.length } }
}

/** Finds the earlier column with the same values in the same rows, such as a request's id under two names. */
function copyFinder(columns: readonly ColumnBuffer[]): (index: number, presence: number | undefined) => number | undefined {
  const candidates = new Map<string, number>()
  return (index, presence) => {
    const column = columns[index]!
    if (column.codes === undefined || column.entries.length === 1) return undefined
    // One candidate for each key: comparing stays linear, whatever a producer sends.
    const key = `${presence} ${column.count} ${column.entries.length} ${column.textUnits} ${String(column.entries[1]).slice(0, 40)}`
    const candidate = candidates.get(key)
    if (candidate !== undefined && sameValues(columns[candidate]!, column)) return candidate
    candidates.set(key, index)
    return undefined
  }
}

function sameValues(one: ColumnBuffer, other: ColumnBuffer): boolean {
  for (let i = 0; i < one.count; i++) if (one.codes![i] !== other.codes![i]) return false
  return one.entries.every((entry, i) => entry === other.entries[i])
}

/** The smallest sequence number (0 when rows carry none), and whether the others just follow it. */
function firstSeqOf({ numbers, count }: ColumnBuffer): { seq: number; consecutive: boolean } {
  if (numbers === undefined) return { seq: 0, consecutive: true }
  const seqs = numbers.subarray(0, count)
  const first = seqs[0]!
  return { seq: seqs.reduce((min, seq) => Math.min(min, seq), first), consecutive: seqs.every((seq, i) => seq === first + i) }
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
