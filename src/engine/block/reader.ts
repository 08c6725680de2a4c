import { seqMax, timestampMsMax } from '../../core/limits.ts'
import { severities } from '../../core/severity.ts'
import type { AttributeValue, StoredRow } from '../row.ts'
import { setAttribute } from '../row.ts'
import { bloomHas } from '../encode/bloom.ts'
import { BlockError } from './block_error.ts'
import type { OpenColumn, TokenFilter } from './column_reader.ts'
import { openColumn } from './column_reader.ts'
import type { Directory } from './directory.ts'
import { bloomBytesOf, bytesOfLayout } from './directory.ts'
import type { Head } from './head.ts'
import { readHead } from './head.ts'
import type { PageReader } from './page_reader.ts'
import { createPageReader, wholeBody } from './page_reader.ts'
import { openPresence } from './presence_reader.ts'
import type { Block, BlockMeta, BodyBytes, ByteRange, Column, ColumnData, ReadCost, StoredBlock, SystemColumn } from './types.ts'

/**
 * Opens a block: the head is read and checked now, the body when a column is first asked for. What is read is added to
 * `cost`. Throws BlockError, here or from any method, when the bytes are not those that a writer made. With `ownsBody` the
 * bytes of the body are freed with the block.
 */
export function openBlock(meta: BlockMeta, head: Uint8Array, readBody: () => Uint8Array, cost: ReadCost, ownsBody = false): Block {
  const opened = readHead(head)
  if (opened.blooms === undefined) throw new BlockError('its filters are apart')
  const filters = filtersInHead(opened.blooms)
  const block = openHead(meta, opened, filters.next, wholeBody(opened.bodyBytes, readBody, ownsBody), cost)
  if (!filters.isAtEnd()) throw new BlockError('its filters are not as long as the directory says')
  return block
}

/** Hands out the filters of a head one after the other. */
function filtersInHead(blooms: Uint8Array): { next: NextFilter; isAtEnd(): boolean } {
  let end = 0
  return {
    next(bytes) {
      const filter = blooms.subarray(end, end + bytes)
      end += bytes
      return (hash) => bloomHas(filter, hash)
    },
    isAtEnd: () => end === blooms.length,
  }
}

/** Asked once for each filter, in directory order, with its length. */
export type NextFilter = (bytes: number) => TokenFilter

/** Opens a block whose head was read; see `openBlock`. */
export function openHead(meta: BlockMeta, opened: Head, nextFilter: NextFilter, body: BodyBytes, cost: ReadCost): StoredBlock {
  checkMeta(meta, opened.meta)
  const { directory, bodyBytes } = opened
  const pages = createPageReader(directory.pages, bodyBytes, body, cost)
  const columns = openColumns(pages, directory, nextFilter, meta.rows)
  const system = new Map<string, OpenColumn>()
  const attributes: OpenColumn[] = []
  for (const column of columns) {
    if (column.system) system.set(column.name, column)
    else attributes.push(column)
  }
  checkSystem(system, meta)
  const severity = system.get('severity')!
  system.set('severity', { ...severity, data: checkedSeverities(severity, meta) })
  return blockOf(meta, system, attributes, pages.release)
}

function blockOf(
  meta: BlockMeta,
  system: ReadonlyMap<string, OpenColumn>,
  attributes: readonly OpenColumn[],
  release: () => void,
): StoredBlock {
  const byName = new Map(attributes.map((attribute) => [attribute.name, attribute]))
  if (byName.size !== attributes.length) throw new BlockError('two attributes have the same name')
  const column = (name: SystemColumn) => system.get(name) ?? sequenceColumn(meta)
  const number = (name: SystemColumn, row: number) => Number(column(name).value(row))
  const seqs = system.get('seq')
  const seq = (row: number) => (seqs === undefined ? meta.firstSeq + row : Number(seqs.value(row)))

  return {
    meta,
    attributes,
    attribute: (name) => byName.get(name),
    system: column,
    seq,
    timestampMs: (row) => number('timestamp', row),
    timestampNs: (row) => number('nanos', row),
    materialise(rows) {
      for (const row of rows) if (!Number.isInteger(row) || row < 0 || row >= meta.rows) throw new RangeError(`row ${row} of ${meta.rows}`)
      const built = systemParts(rows, seq, column)
      for (const attribute of attributes) addAttribute(built, rows, attribute)
      return built
    },
    release,
    storedRanges: (columns) => joinRanges([...columns].flatMap((each) => each.storedRanges())),
    missingRanges: (rows) => joinRanges([...system.values(), ...attributes].flatMap((each) => each.missingRanges(rows))),
  }
}

/** The ranges in order, joined where they touch. */
function joinRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = []
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1)
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end)
    else joined.push({ start, end })
  }
  return joined
}

/** The rows without their attributes. */
function systemParts(rows: readonly number[], seq: (row: number) => number, column: (name: SystemColumn) => OpenColumn): StoredRow[] {
  const reader = (name: SystemColumn) => column(name).reader(rows.length)
  const [timestamp, nanos, severity] = [reader('timestamp'), reader('nanos'), reader('severity')]
  const [source, message, created, updated] = [reader('source'), reader('message'), reader('created'), reader('updated')]
  return rows.map((row) => ({
    seq: seq(row),
    timestampMs: Number(timestamp(row)),
    timestampNs: Number(nanos(row)),
    severity: Number(severity(row)),
    source: String(source(row)),
    message: String(message(row)),
    attributes: {},
    createdMs: Number(created(row)),
    updatedMs: Number(updated(row)),
  }))
}

function addAttribute(built: readonly StoredRow[], rows: readonly number[], attribute: OpenColumn): void {
  const { name } = attribute
  // Nothing of a column is read that none of the rows has.
  let value: ReturnType<OpenColumn['reader']> | undefined
  for (let i = 0; i < rows.length; i++) {
    const index = attribute.indexOf(rows[i]!)
    if (index < 0) continue
    value ??= attribute.reader(rows.length)
    setAttribute(built[i]!.attributes, name, value(index))
  }
}

function openColumns(pages: PageReader, { presences, columns }: Directory, nextFilter: NextFilter, rows: number): OpenColumn[] {
  let start = 0
  const opened = presences.map((entry) => {
    const presence = openPresence(pages, entry, start, rows)
    start += entry.bytes
    return presence
  })
  const result: OpenColumn[] = []
  for (const entry of columns) {
    const { layout, presence } = entry
    if (layout.kind === 'copy') {
      result.push({ ...result[layout.of]!, name: entry.name, system: entry.system !== undefined })
      continue
    }
    const count = presence === undefined ? rows : presences[presence]!.count
    const filterBytes = bloomBytesOf(layout)
    const filter = filterBytes === undefined ? undefined : nextFilter(filterBytes)
    result.push(openColumn(entry, { pages, start, count, presence: presence === undefined ? undefined : opened[presence], filter }))
    start += bytesOfLayout(layout, count)
  }
  return result
}

/** Sequence numbers of a block without a column of them. */
export function sequenceColumn({ firstSeq, rows }: BlockMeta): OpenColumn {
  let data: ColumnData | undefined
  return {
    name: 'seq',
    system: true,
    count: rows,
    range: { min: firstSeq, max: firstSeq + rows - 1 },
    distinct: undefined,
    hasText: false,
    rawBytes: 0,
    presence: () => undefined,
    storedRanges: () => [],
    presenceRanges: () => [],
    missingRanges: () => [],
    data: () => (data ??= { kind: 'number', values: Float64Array.from({ length: rows }, (_, row) => firstSeq + row) }),
    mayHaveToken: () => true,
    indexOf: (row) => row,
    value: (index) => firstSeq + index,
    reader: () => (index) => firstSeq + index,
  }
}

/** The data of the severity column, checked once against the counts in the head, which answer queries on their own. */
function checkedSeverities(column: OpenColumn, { rows, severityCounts }: BlockMeta): () => ColumnData {
  let checked: ColumnData | undefined
  return () => {
    const data = column.data()
    if (data === checked) return data
    const counts = countsOf(data, rows)
    if (severityCounts.some((count, severity) => count !== (counts.get(severity) ?? 0)))
      throw new BlockError('its severity counts are not those of its rows')
    checked = data
    return data
  }
}

/** How many rows have each value, in a column of few different ones. */
function countsOf(data: ColumnData, rows: number): Map<AttributeValue, number> {
  if (data.kind === 'constant') return new Map([[data.value, rows]])
  const counts = new Map<AttributeValue, number>()
  if (data.kind === 'number') for (const value of data.values) counts.set(value, (counts.get(value) ?? 0) + 1)
  if (data.kind === 'dictionary') {
    const countOf = new Uint32Array(data.values.length)
    for (let row = 0; row < rows; row++) countOf[data.codes[row]!]!++
    for (const [code, value] of data.values.entries()) counts.set(value, (counts.get(value) ?? 0) + countOf[code]!)
  }
  return counts
}

function checkMeta(expected: BlockMeta, found: BlockMeta): void {
  for (const name of ['firstSeq', 'rows', 'minMs', 'maxMs', 'bytes'] as const) {
    if (expected[name] !== found[name]) throw new BlockError(`its ${name} is ${found[name]}, not ${expected[name]}`)
  }
  if (found.severityCounts.some((count, i) => count !== expected.severityCounts[i])) throw new BlockError('its severity counts differ')
}

/** Greatest value of each system column of numbers; that of the event times stands in the head. */
const systemMaxima: readonly (readonly [SystemColumn, number])[] = [
  ['timestamp', Infinity],
  ['nanos', 999_999],
  ['severity', severities.length - 1],
  ['created', timestampMsMax],
  ['updated', timestampMsMax],
  ['seq', seqMax],
]

/** What the rest of the engine takes for granted of the columns that every block has. */
function checkSystem(system: ReadonlyMap<string, Column>, meta: BlockMeta): void {
  for (const [name, max] of systemMaxima) {
    const column = system.get(name)
    if (column === undefined && name === 'seq') continue
    const range = column?.range
    if (range === undefined || range.min < 0 || range.max > max) throw new BlockError(`system column ${name} is out of range`)
  }
  const timestamps = system.get('timestamp')?.range
  if (timestamps?.min !== meta.minMs || timestamps.max !== meta.maxMs) throw new BlockError('its time range is not that of its rows')
  const seqs = system.get('seq')?.range
  if (seqs !== undefined && seqs.min !== meta.firstSeq) throw new BlockError('its first sequence number is not that of its rows')
}
