import { blockColumnsMax, blockRawBytesMax, blockValuesMax, pageRawBytesMax } from '../../core/limits.ts'
import type { ByteSink, ByteSource } from '../encode/bytes.ts'
import { readByte, readText, readUint32, readVarint, writeByte, writeText, writeUint32, writeVarint } from '../encode/bytes.ts'
import type { NumberCoding } from '../encode/numbers.ts'
import { bytesOfNumbers, readCoding, writeCoding } from '../encode/numbers.ts'
import { readNumber, readValue, writeValue } from '../encode/values.ts'
import type { AttributeValue } from '../row.ts'
import { BlockError } from './block_error.ts'
import { layoutCodes, listCodes, presenceCodes, systemColumns } from './format.ts'
import type { PageEntry } from './pages.ts'
import type { SystemColumn } from './types.ts'

/** Which rows have a value; shared by all columns that the same rows have. */
export interface PresenceEntry {
  kind: 'bitmap' | 'gaps'
  count: number
  bytes: number
}

export type ListEntry =
  /** Integers have a filter in segments, other numbers never. */
  | { kind: 'numbers'; coding: NumberCoding; min: number; max: number; bloomBytes?: number }
  | { kind: 'text'; lengths: NumberCoding; bytes: number; bloomBytes: number }
  | { kind: 'mixed'; hasText: boolean; bytes: number; bloomBytes: number }

export type NumberListEntry = Extract<ListEntry, { kind: 'numbers' }>

export type Layout =
  | { kind: 'constant'; value: AttributeValue }
  | { kind: 'dictionary'; size: number; list: ListEntry }
  | { kind: 'plain'; list: ListEntry }
  /** The same presence and values as the column with this index. */
  | { kind: 'copy'; of: number }

export interface ColumnEntry {
  /** Undefined for an attribute. */
  system: SystemColumn | undefined
  name: string
  /** Index into the presences, or undefined when every row has a value. */
  presence: number | undefined
  layout: Layout
}

export interface Directory {
  pages: PageEntry[]
  presences: PresenceEntry[]
  columns: ColumnEntry[]
}

/** A column ends at most two pages that are not full. */
const pagesMax = Math.ceil(blockRawBytesMax / pageRawBytesMax) + 2 * blockColumnsMax + 2

/** Bytes of each code of a dictionary with so many entries. */
export function codeWidth(size: number): number {
  if (size === 1) return 0
  return size <= 256 ? 1 : 2
}

/** Raw bytes of a list of `count` values. */
export function bytesOfList(list: ListEntry, count: number): number {
  if (list.kind === 'numbers') return bytesOfNumbers(list.coding, count)
  return list.kind === 'text' ? bytesOfNumbers(list.lengths, count) + list.bytes : list.bytes
}

/** Raw bytes of a column with `count` values. */
export function bytesOfLayout(layout: Layout, count: number): number {
  if (layout.kind === 'plain') return bytesOfList(layout.list, count)
  return layout.kind === 'dictionary' ? bytesOfList(layout.list, layout.size) + codeWidth(layout.size) * count : 0
}

/** Length of a column's filter; undefined when it has none. */
export function bloomBytesOf(layout: Layout): number | undefined {
  return layout.kind === 'constant' || layout.kind === 'copy' ? undefined : layout.list.bloomBytes
}

export function writeDirectory(sink: ByteSink, { pages, presences, columns }: Directory): void {
  writeVarint(sink, pages.length)
  for (const { rawBytes, storedBytes, checksum } of pages) {
    writeVarint(sink, rawBytes)
    writeVarint(sink, storedBytes)
    writeUint32(sink, checksum)
  }
  writeVarint(sink, presences.length)
  for (const { kind, count, bytes } of presences) {
    writeByte(sink, presenceCodes[kind])
    writeVarint(sink, count)
    if (kind === 'gaps') writeVarint(sink, bytes)
  }
  writeVarint(sink, columns.length)
  for (const column of columns) writeColumn(sink, column)
}

function writeColumn(sink: ByteSink, { system, name, presence, layout }: ColumnEntry): void {
  writeByte(sink, system === undefined ? 0 : systemColumns.indexOf(system) + 1)
  if (system === undefined) writeText(sink, name)
  writeByte(sink, layoutCodes[layout.kind])
  if (layout.kind === 'copy') {
    writeVarint(sink, layout.of)
    return
  }
  writeVarint(sink, presence === undefined ? 0 : presence + 1)
  if (layout.kind === 'constant') writeValue(sink, layout.value)
  else {
    if (layout.kind === 'dictionary') writeVarint(sink, layout.size)
    writeList(sink, layout.list)
  }
}

function writeList(sink: ByteSink, list: ListEntry): void {
  const { kind, bloomBytes } = list
  writeByte(sink, kind === 'numbers' && bloomBytes !== undefined ? listCodes.integers : listCodes[kind])
  if (kind === 'numbers') {
    writeCoding(sink, list.coding)
    writeValue(sink, list.min)
    writeValue(sink, list.max)
    if (bloomBytes !== undefined) writeVarint(sink, bloomBytes)
    return
  }
  if (list.kind === 'text') writeCoding(sink, list.lengths)
  else writeByte(sink, list.hasText ? 1 : 0)
  writeVarint(sink, list.bytes)
  writeVarint(sink, list.bloomBytes)
}

/** Reads and checks the directory of a block with `rows` rows. */
export function readDirectory(source: ByteSource, rows: number): Directory {
  const pages = readMany(source, pagesMax, () => readPage(source))
  const presences = readMany(source, blockColumnsMax, () => readPresence(source, rows))
  const columns = readMany<ColumnEntry>(source, blockColumnsMax, (before) => readColumn(source, presences, before))
  if (source.offset !== source.bytes.length) throw new BlockError('the directory is longer than its content')
  checkSystemColumns(columns)
  checkStreams(pages, presences, columns, rows)
  return { pages, presences, columns }
}

/** A counted list; each item takes at least one byte, so that a false count fails early and allocates nothing. */
function readMany<T>(source: ByteSource, max: number, read: (before: readonly T[]) => T): T[] {
  const count = readVarint(source)
  if (count > max || count > source.bytes.length - source.offset) throw new BlockError(`a count of ${count} in the directory is too large`)
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(read(items))
  return items
}

function readPage(source: ByteSource): PageEntry {
  const page = { rawBytes: readVarint(source), storedBytes: readVarint(source), checksum: readUint32(source) }
  if (page.rawBytes < 1 || page.rawBytes > pageRawBytesMax || page.storedBytes < 1 || page.storedBytes > page.rawBytes) {
    throw new BlockError(`a page of ${page.rawBytes} bytes stored in ${page.storedBytes} is impossible`)
  }
  return page
}

function readPresence(source: ByteSource, rows: number): PresenceEntry {
  const code = readByte(source)
  const count = readVarint(source)
  if (count < 1 || count >= rows) throw new BlockError(`${count} present of ${rows} rows`)
  if (code === presenceCodes.bitmap) return { kind: 'bitmap', count, bytes: Math.ceil(rows / 8) }
  if (code !== presenceCodes.gaps) throw new BlockError(`presence coding ${code} is not known`)
  return { kind: 'gaps', count, bytes: readVarint(source) }
}

function readColumn(source: ByteSource, presences: readonly PresenceEntry[], before: readonly ColumnEntry[]): ColumnEntry {
  const code = readByte(source)
  const system = systemColumns[code - 1]
  if (code > systemColumns.length) throw new BlockError(`system column ${code} is not known`)
  const name = system ?? readText(source)
  const layoutCode = readByte(source)
  if (layoutCode === layoutCodes.copy) {
    const of = readVarint(source)
    const original = before[of]
    if (original === undefined || original.layout.kind === 'copy') throw new BlockError(`column ${of} cannot be copied`)
    return { system, name, presence: original.presence, layout: { kind: 'copy', of } }
  }
  const presence = readVarint(source)
  if (presence > presences.length) throw new BlockError(`presence ${presence} does not exist`)
  return { system, name, presence: presence === 0 ? undefined : presence - 1, layout: readLayout(source, layoutCode) }
}

function readLayout(source: ByteSource, code: number): Layout {
  switch (code) {
    case layoutCodes.constant:
      return { kind: 'constant', value: readValue(source) }
    case layoutCodes.dictionary:
      return { kind: 'dictionary', size: readVarint(source), list: readList(source) }
    case layoutCodes.plain:
      return { kind: 'plain', list: readList(source) }
    default:
      throw new BlockError(`column layout ${code} is not known`)
  }
}

function readList(source: ByteSource): ListEntry {
  const code = readByte(source)
  switch (code) {
    case listCodes.numbers:
      return readNumberList(source)
    case listCodes.integers: {
      const list = { ...readNumberList(source), bloomBytes: readVarint(source) }
      if (!isIntegers(list)) throw new BlockError('a list of integers holds other numbers')
      return list
    }
    case listCodes.text:
      return { kind: 'text', lengths: readCoding(source), bytes: readVarint(source), bloomBytes: readVarint(source) }
    case listCodes.mixed:
      return { kind: 'mixed', hasText: readFlag(source), bytes: readVarint(source), bloomBytes: readVarint(source) }
    default:
      throw new BlockError(`list kind ${code} is not known`)
  }
}

function readNumberList(source: ByteSource): NumberListEntry {
  return { kind: 'numbers', coding: readCoding(source), min: readNumber(source), max: readNumber(source) }
}

function readFlag(source: ByteSource): boolean {
  const flag = readByte(source)
  if (flag > 1) throw new BlockError(`a flag is ${flag}`)
  return flag === 1
}

function checkSystemColumns(columns: readonly ColumnEntry[]): void {
  const found = new Set<SystemColumn>()
  for (const { system, presence, layout } of columns) {
    if (system === undefined) continue
    if (found.has(system)) throw new BlockError(`system column ${system} stands twice`)
    if (presence !== undefined) throw new BlockError(`system column ${system} has gaps`)
    checkSystemType(system, layout.kind === 'copy' ? columns[layout.of]!.layout : layout)
    found.add(system)
  }
  for (const name of systemColumns) if (name !== 'seq' && !found.has(name)) throw new BlockError(`system column ${name} is missing`)
}

/** Two system columns are text, the others integers. */
function checkSystemType(name: SystemColumn, layout: Layout): void {
  const isText = name === 'source' || name === 'message'
  let right = false
  if (layout.kind === 'constant') right = isText ? typeof layout.value === 'string' : Number.isSafeInteger(layout.value)
  else if (layout.kind !== 'copy') right = isText ? layout.list.kind === 'text' : isIntegers(layout.list)
  if (!right) throw new BlockError(`system column ${name} has values of a wrong type`)
}

/** True when the coding holds nothing but integers. */
export function isIntegers(list: ListEntry): boolean {
  return list.kind === 'numbers' && list.coding.kind !== 'float64' && list.coding.scale === 0
}

function checkStreams(
  pages: readonly PageEntry[],
  presences: readonly PresenceEntry[],
  columns: readonly ColumnEntry[],
  rows: number,
): void {
  let streams = presences.reduce((sum, { bytes }) => sum + bytes, 0)
  let values = 0
  for (const { name, presence, layout } of columns) {
    const count = presence === undefined ? rows : presences[presence]!.count
    if (layout.kind === 'dictionary' && (layout.size < 1 || layout.size > count))
      throw new BlockError(`column ${name} has ${layout.size} entries`)
    streams += bytesOfLayout(layout, count)
    if (layout.kind === 'plain' || layout.kind === 'dictionary') values += count
  }
  if (values > blockValuesMax) throw new BlockError(`it holds ${values} values, more than ${blockValuesMax}`)
  const raw = pages.reduce((sum, { rawBytes }) => sum + rawBytes, 0)
  if (raw !== streams) throw new BlockError(`its pages hold ${raw} bytes, its columns take ${streams}`)
  if (raw > blockRawBytesMax) throw new BlockError(`its pages hold ${raw} bytes, more than ${blockRawBytesMax}`)
}
