import { hashToken } from '../encode/bloom.ts'
import { extentOf } from '../encode/extent.ts'
import { bytesOfNumbers, readNumbers } from '../encode/numbers.ts'
import { tokenize } from '../encode/tokens.ts'
import { readValue } from '../encode/values.ts'
import type { AttributeValue } from '../row.ts'
import { BlockError } from './block_error.ts'
import type { ColumnEntry, Layout, ListEntry } from './directory.ts'
import { bytesOfLayout, bytesOfList, codeWidth } from './directory.ts'
import type { PageReader } from './page_reader.ts'
import type { Presence } from './presence_reader.ts'
import type { TextReader } from './text_reader.ts'
import { openTexts } from './text_reader.ts'
import type { ByteRange, Column, ColumnData, ColumnFacts } from './types.ts'

/** A column with what only the block itself needs. */
export interface OpenColumn extends Column {
  /** Value of the i-th row that has one; decodes no text of other rows. */
  value(index: number): AttributeValue
  /** `value` for a caller that wants about this many: it decodes all texts at once where that is cheaper. */
  reader(rows: number): (index: number) => AttributeValue
  /** Index of a row among those that have a value, -1 when it has none. */
  indexOf(row: number): number
  /** What `indexOf` and `reader(rows.length)` of these rows lack, as far as that can be told from what is in memory. */
  missingRanges(rows: readonly number[]): ByteRange[]
}

/** False only when the column has no token with this hash. */
export type TokenFilter = (hash: number) => boolean

/** The place of a column in a block. */
export interface ColumnPlace {
  pages: PageReader
  /** First raw byte of its streams. */
  start: number
  count: number
  presence: Presence | undefined
  /** Undefined for a column of numbers or of one value. */
  filter: TokenFilter | undefined
}

/** One text alone costs about as much as this many in a row. */
const bulkShare = 4

/** Opens a column that is not a copy; nothing is read before it is asked for. */
export function openColumn({ system, name, layout }: ColumnEntry, { pages, start, count, presence, filter }: ColumnPlace): OpenColumn {
  const end = start + bytesOfLayout(layout, count)
  const list = layout.kind === 'plain' && layout.list.kind === 'text' ? layout.list : undefined
  let decoded: ColumnData | undefined
  let opened: TextReader | undefined
  const data = () => {
    pages.check()
    return (decoded ??= readLayout(pages, layout, start, count))
  }
  const texts = () => list && (opened ??= openTexts(pages, list, start, count))
  const presenceRanges = () => (presence === undefined ? [] : pages.storedRanges(presence.start, presence.end))
  const indexOf = (row: number) => (presence === undefined ? row : presence.indexOf(row))
  return {
    name,
    system: system !== undefined,
    count,
    range: rangeOf(layout),
    distinct: layout.kind === 'dictionary' ? layout.size : layout.kind === 'constant' ? 1 : undefined,
    hasText: hasText(layout),
    rawBytes: pages.rawBytes(start, end),
    presence: () => presence?.bitmap(),
    data,
    storedRanges: () => [...presenceRanges(), ...pages.storedRanges(start, end)],
    presenceRanges,
    mayHaveToken: tokenTest(layout, filter),
    indexOf,
    value: (index) => texts()?.text(index) ?? valueOf(data(), index),
    reader(rows) {
      const reader = texts()
      if (reader === undefined) {
        const known = data()
        return (index) => valueOf(known, index)
      }
      if (rows * bulkShare < count) return reader.text
      const all = reader.all()
      return (index) => all[index]!
    },
    missingRanges(rows) {
      const missing = presence === undefined ? [] : pages.missingRanges(presence.start, presence.end)
      if (missing.length > 0) return missing
      const indexes = presence === undefined ? rows : rows.map(indexOf).filter((index) => index >= 0)
      if (indexes.length === 0) return []
      if (list === undefined || rows.length * bulkShare >= count) return pages.missingRanges(start, end)
      const lengths = pages.missingRanges(start + list.bytes, end)
      if (lengths.length > 0) return lengths
      return indexes.flatMap((index) => {
        const place = texts()?.place(index)
        return place === undefined ? [] : pages.missingRanges(place.start, place.end)
      })
    },
  }
}

/** What rules out values of a column that is not a copy, without the way to read them. */
export function factsOf(layout: Layout, count: number, filter: TokenFilter | undefined): ColumnFacts {
  return { count, range: rangeOf(layout), hasText: hasText(layout), mayHaveToken: tokenTest(layout, filter) }
}

function valueOf(data: ColumnData, index: number): AttributeValue {
  switch (data.kind) {
    case 'constant':
      return data.value
    case 'dictionary':
      return data.values[data.codes[index]!]!
    case 'number':
    case 'mixed':
      return data.values[index]!
    case 'text':
      throw new TypeError('plain text is read one by one')
  }
}

function rangeOf(layout: Layout): Column['range'] {
  if (layout.kind === 'constant') return typeof layout.value === 'number' ? { min: layout.value, max: layout.value } : undefined
  if (layout.kind === 'copy' || layout.list.kind !== 'numbers') return undefined
  return { min: layout.list.min, max: layout.list.max }
}

function hasText(layout: Layout): boolean {
  if (layout.kind === 'constant') return typeof layout.value === 'string'
  if (layout.kind === 'copy' || layout.list.kind === 'numbers') return false
  return layout.list.kind === 'text' || layout.list.hasText
}

/** `Column.mayHaveToken`; holds on to no more of the layout than it needs. */
function tokenTest(layout: Layout, filter: TokenFilter | undefined): (token: string) => boolean {
  if (layout.kind === 'constant') return constantTest(layout.value)
  return filter === undefined ? () => true : (token) => filter(hashToken(token))
}

function constantTest(value: AttributeValue): (token: string) => boolean {
  return (token) => {
    const text = String(value)
    return text.length >= token.length && tokenize(text).includes(token)
  }
}

function readLayout(pages: PageReader, layout: Layout, start: number, count: number): ColumnData {
  if (layout.kind === 'constant') return layout
  if (layout.kind === 'plain') return readList(pages, layout.list, start, count)
  if (layout.kind === 'copy') throw new TypeError('a copy is opened as its original')
  const { size, list } = layout
  if (size === 1) return { kind: 'constant', value: readEntries(pages, list, start, 1)[0]! }
  const codesStart = start + bytesOfList(list, size)
  const codes = readCodes(pages, codesStart, count, size)
  return { kind: 'dictionary', values: readEntries(pages, list, start, size), codes }
}

function readEntries(pages: PageReader, list: ListEntry, start: number, size: number): AttributeValue[] {
  if (list.kind === 'text') return openTexts(pages, list, start, size).all()
  const values = readValues(pages, list, start, size)
  return Array.isArray(values) ? values : [...values]
}

function readCodes(pages: PageReader, start: number, count: number, size: number): Uint8Array | Uint16Array {
  const bytes = pages.range(start, start + codeWidth(size) * count)
  let codes: Uint8Array | Uint16Array = bytes
  if (codeWidth(size) === 2) {
    codes = pages.own(new Uint16Array(count))
    for (let i = 0; i < count; i++) codes[i] = bytes[i]! | (bytes[count + i]! << 8)
  }
  for (let i = 0; i < count; i++) if (codes[i]! >= size) throw new BlockError('a code is not in its dictionary')
  return codes
}

function readList(pages: PageReader, list: ListEntry, start: number, count: number): ColumnData {
  if (list.kind === 'text') return { kind: 'text', pages: openTexts(pages, list, start, count).pages() }
  const values = readValues(pages, list, start, count)
  return Array.isArray(values) ? { kind: 'mixed', values } : { kind: 'number', values }
}

function readValues(
  pages: PageReader,
  list: Exclude<ListEntry, { kind: 'text' }>,
  start: number,
  count: number,
): Float64Array | AttributeValue[] {
  if (list.kind === 'numbers') {
    const values = pages.own(readNumbers(pages.range(start, start + bytesOfNumbers(list.coding, count)), list.coding, count))
    const [min, max] = extentOf(values)
    if (min !== list.min || max !== list.max) throw new BlockError('the range of a column is not that of its values')
    return values
  }
  const source = { bytes: pages.range(start, start + list.bytes), offset: 0 }
  const values = Array.from({ length: count }, () => readValue(source))
  if (source.offset !== list.bytes) throw new BlockError('a list of values is longer than its content')
  return values
}
