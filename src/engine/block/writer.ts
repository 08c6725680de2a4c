import {
  blockBytesMax,
  blockColumnsMax,
  blockRowsMax,
  blockTextUnitsMax,
  blockValuesMax,
  seqMax,
  timestampMsMax,
} from '../../core/limits.ts'
import { severities } from '../../core/severity.ts'
import type { EncodableRow } from '../row.ts'
import type { ColumnBuffer } from './column_buffer.ts'
import { createColumn, dropUnused, pushValue } from './column_buffer.ts'
import type { ColumnSinks } from './column_writer.ts'
import { createColumnSinks, writeLayout, writePresence } from './column_writer.ts'
import type { ColumnEntry, Layout, PresenceEntry } from './directory.ts'
import { writeHead } from './head.ts'
import { writePages } from './pages.ts'
import { openBlock } from './reader.ts'
import type { EncodedBlock, SystemColumn } from './types.ts'

/** What is not part of the row as its producer sent it. */
export interface RowExtra {
  /** Given for all rows of a builder or for none. */
  seq?: number
  createdMs?: number
  updatedMs?: number
}

export interface BlockBuilder {
  /** Takes over a row; the caller may reuse the object. Throws RangeError when a field is out of its range. */
  add(row: EncodableRow, extra?: RowExtra): void
  /** The rows as blocks, in order of arrival; the builder is then empty and can be used again. */
  finish(): EncodedBlock[]
}

/** The rows of one block while they arrive. */
interface BlockBuffer {
  rows: number
  minMs: number
  maxMs: number
  severityCounts: number[]
  system: Record<SystemColumn, ColumnBuffer>
  attributes: ColumnBuffer[]
  attributeOf: Map<string, ColumnBuffer>
  /** The first attribute of the row before. */
  firstAttribute: ColumnBuffer | undefined
  values: number
  /** UTF-16 units of all distinct texts. */
  textUnits: number
}

/** Collects rows and cuts them into blocks that fit every limit. `createdMs` is when the rows were received. */
export function createBlockBuilder(createdMs: number): BlockBuilder {
  let buffer = createBuffer()
  let blocks: EncodedBlock[] = []

  function cut(): void {
    if (buffer.rows > 0) blocks.push(...encodeWithin(buffer))
    buffer = createBuffer()
  }

  return {
    add(row, extra) {
      checkRow(row)
      if (isFull(buffer, row.names.length)) cut()
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

function createBuffer(): BlockBuffer {
  const column = (name: SystemColumn) => createColumn(name, name)
  return {
    rows: 0,
    minMs: Infinity,
    maxMs: -Infinity,
    severityCounts: severities.map(() => 0),
    system: {
      timestamp: column('timestamp'),
      nanos: column('nanos'),
      severity: column('severity'),
      source: column('source'),
      message: column('message'),
      created: column('created'),
      updated: column('updated'),
      seq: column('seq'),
    },
    attributes: [],
    attributeOf: new Map(),
    firstAttribute: undefined,
    values: 0,
    textUnits: 0,
  }
}

function isFull(buffer: BlockBuffer, attributes: number): boolean {
  return (
    buffer.rows === blockRowsMax ||
    buffer.values + attributes > blockValuesMax - 8 * blockRowsMax ||
    buffer.attributes.length + attributes > blockColumnsMax - 8 ||
    buffer.textUnits > blockTextUnitsMax
  )
}

function checkRow(row: EncodableRow): void {
  const { timestampMs, timestampNs, severity, names, values } = row
  if (!Number.isInteger(timestampMs) || timestampMs < 0 || timestampMs >= timestampMsMax) throw new RangeError(`${timestampMs} is no time`)
  if (!Number.isInteger(timestampNs) || timestampNs < 0 || timestampNs > 999_999) throw new RangeError(`${timestampNs} are no nanoseconds`)
  if (severities[severity] === undefined) throw new RangeError(`${severity} is no severity`)
  if (names.length !== values.length) throw new RangeError(`${names.length} names for ${values.length} values`)
  if (names.length > blockColumnsMax - 8) throw new RangeError(`${names.length} attributes do not fit a block`)
}

function addRow(buffer: BlockBuffer, row: EncodableRow, extra: RowExtra | undefined, createdMs: number): void {
  const { system } = buffer
  const at = buffer.rows
  if (extra?.seq !== undefined) {
    if (system.seq.count !== at) throw new RangeError('either all rows carry a sequence number or none')
    if (!Number.isSafeInteger(extra.seq) || extra.seq < 0 || extra.seq > seqMax) throw new RangeError(`${extra.seq} is no sequence number`)
    pushValue(system.seq, at, extra.seq)
  } else if (system.seq.count > 0) throw new RangeError('either all rows carry a sequence number or none')
  buffer.rows++
  if (row.timestampMs < buffer.minMs) buffer.minMs = row.timestampMs
  if (row.timestampMs > buffer.maxMs) buffer.maxMs = row.timestampMs
  buffer.severityCounts[row.severity]!++
  pushValue(system.timestamp, at, row.timestampMs)
  pushValue(system.nanos, at, row.timestampNs)
  pushValue(system.severity, at, row.severity)
  pushValue(system.created, at, extra?.createdMs ?? createdMs)
  pushValue(system.updated, at, extra?.updatedMs ?? 0)
  pushText(buffer, system.source, at, row.source)
  pushText(buffer, system.message, at, row.message)
  addAttributes(buffer, at, row)
}

function pushText(buffer: BlockBuffer, column: ColumnBuffer, row: number, text: string): void {
  const before = column.entryUnits
  pushValue(column, row, text)
  buffer.textUnits += column.entryUnits - before
}

function addAttributes(buffer: BlockBuffer, at: number, { names, values }: EncodableRow): void {
  let last: ColumnBuffer | undefined
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    let column = last === undefined ? buffer.firstAttribute : last.next
    if (column === undefined || column.name !== name) {
      column = attributeColumn(buffer, name)
      if (last === undefined) buffer.firstAttribute = column
      else last.next = column
    }
    const before = column.entryUnits
    pushValue(column, at, values[i]!)
    buffer.textUnits += column.entryUnits - before
    last = column
  }
  buffer.values += names.length
}

function attributeColumn(buffer: BlockBuffer, name: string): ColumnBuffer {
  const known = buffer.attributeOf.get(name)
  if (known !== undefined) return known
  if (!name.isWellFormed()) return attributeColumn(buffer, name.toWellFormed())
  const column = createColumn(undefined, name)
  buffer.attributes.push(column)
  buffer.attributeOf.set(name, column)
  return column
}

/** One block, or several when one would be too large to store. */
function encodeWithin(buffer: BlockBuffer): EncodedBlock[] {
  const block = encode(buffer)
  if (block.meta.bytes <= blockBytesMax) return [block]
  if (buffer.rows === 1) throw new RangeError(`a row of ${block.meta.bytes} bytes does not fit a block`)
  // Rare (texts that hardly compress), so the simple way: read the rows back and encode each half anew.
  const hasSeq = buffer.system.seq.count > 0
  const rows = openBlock(block.meta, block.head, () => block.body, { bytesRead: 0, bytesDecompressed: 0, pagesRead: 0 }).materialise(
    Array.from({ length: buffer.rows }, (_, row) => row),
  )
  const middle = rows.length >>> 1
  return [rows.slice(0, middle), rows.slice(middle)].flatMap((half) => {
    const part = createBuffer()
    for (const { attributes, seq, createdMs, updatedMs, ...fields } of half) {
      const row = { ...fields, names: Object.keys(attributes), values: Object.values(attributes) }
      addRow(part, row, hasSeq ? { seq, createdMs, updatedMs } : { createdMs, updatedMs }, createdMs)
    }
    return encodeWithin(part)
  })
}

function encode(buffer: BlockBuffer): EncodedBlock {
  const { rows, minMs, maxMs, severityCounts, system, attributes } = buffer
  const sinks = createColumnSinks()
  const presences = writePresences(sinks, attributes, rows)
  const ends = [sinks.raw.length]
  const { seq: seqColumn, ...always } = system
  const firstSeq = firstSeqOf(seqColumn)
  const columns = [...Object.values(always), ...(firstSeq.consecutive ? [] : [seqColumn]), ...attributes]
  const originalOf = copyFinder(columns)
  const entries = columns.map((column, index): ColumnEntry => {
    const { system: code, name } = column
    dropUnused(column)
    const presence = presences.of.get(column)
    const of = originalOf(index, presence)
    const layout: Layout = of === undefined ? writeLayout(sinks, column) : { kind: 'copy', of }
    ends.push(sinks.raw.length)
    return { system: code, name, presence, layout }
  })
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
    const key = `${presence} ${column.count} ${column.entries.length} ${column.textUnits} ${column.entries[1]}`
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
