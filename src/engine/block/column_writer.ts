import { releaseArrays } from '../../core/buffers.ts'
import type { ByteSink } from '../encode/bytes.ts'
import { copyBytes, createSink, reserve, writeBytes, writeUtf8, writeVarint } from '../encode/bytes.ts'
import type { TokenSet } from '../encode/bloom.ts'
import { addTokensOfIntegers, addTokensOfList, addTokensOfText, clearTokens, createTokenSet } from '../encode/bloom.ts'
import { extentOf } from '../encode/extent.ts'
import { writeNumbers } from '../encode/numbers.ts'
import { writeValue } from '../encode/values.ts'
import type { AttributeValue } from '../row.ts'
import type { ColumnBuffer } from './column_buffer.ts'
import { unitsOf } from './column_buffer.ts'
import type { Layout, ListEntry, NumberListEntry, PresenceEntry } from './directory.ts'
import { codeWidth, isIntegers } from './directory.ts'
import type { TextEntries } from './text_entries.ts'
import { bytesOfEntries, distinctTexts, releaseTexts, startOf, textOf } from './text_entries.ts'

/** Where the columns of one block are written. */
export interface ColumnSinks {
  /** Streams of all columns, before they are cut into pages. */
  raw: ByteSink
  /** One for each list that has a filter. */
  filters: Uint8Array[]
  filtering: Filtering
  tokens: TokenSet
}

/** How token filters are made. */
export interface Filtering {
  filterOf: (tokens: TokenSet) => Uint8Array
  /** Whether attributes that are integers have one too. */
  ofIntegers: boolean
}

/** A longer text is kept out of the head, which a shard holds in memory. */
const constantUnitsMax = 64
/** Numbers with at most so many distinct values become a dictionary, one byte each. */
const numberDictionaryMax = 256

export function createColumnSinks(rawBytes: number, filtering: Filtering): ColumnSinks {
  return { raw: createSink(rawBytes), filters: [], filtering, tokens: createTokenSet() }
}

/** Writes the values and the filter of one column; the caller has dealt with its presence. */
export function writeLayout(sinks: ColumnSinks, column: ColumnBuffer): Layout {
  const { count, codes, entries, texts } = column
  if (codes === undefined) return writeNumberLayout(sinks, column.numbers!.subarray(0, count), column.system === undefined)
  if (texts !== undefined) return writeTextLayout(sinks, column, codes, texts)
  if (entries.length === 1 && unitsOf(entries[0]!) <= constantUnitsMax) return { kind: 'constant', value: entries[0]! }
  if (isDictionary(column, entries.length)) {
    const list = writeList(sinks, entries)
    writeCodes(sinks.raw, codes, count, entries.length)
    return { kind: 'dictionary', size: entries.length, list }
  }
  const values = entries.length === count ? entries : Array.from({ length: count }, (_, i) => entries[codes[i]!]!)
  return { kind: 'plain', list: writeList(sinks, values) }
}

/** A dictionary pays when values repeat; never expand repeated long texts, which would pass the limit of a block. */
function isDictionary({ count, textUnits, entryUnits }: ColumnBuffer, size: number): boolean {
  return size === 1 || size <= count * 0.75 || textUnits > entryUnits * 2
}

function writeNumberLayout(sinks: ColumnSinks, numbers: Float64Array, isAttribute: boolean): Layout {
  const distinct = distinctNumbers(numbers)
  if (distinct === undefined || distinct.size > Math.max(1, numbers.length / 4))
    return { kind: 'plain', list: writeNumberList(sinks, numbers, isAttribute) }
  if (distinct.size === 1) return { kind: 'constant', value: numbers[0]! }
  const list = writeNumberList(sinks, Float64Array.from(distinct.values.keys()), isAttribute)
  writeBytes(sinks.raw, distinct.codes)
  releaseArrays(distinct.codes)
  return { kind: 'dictionary', size: distinct.size, list }
}

/** The numbers as codes, or undefined when more than `numberDictionaryMax` differ. */
function distinctNumbers(numbers: Float64Array): { values: ReadonlyMap<number, number>; codes: Uint8Array; size: number } | undefined {
  const codes = new Uint8Array(numbers.length)
  const values = new Map<number, number>()
  // Small integers, such as states and severities, need no look into the map.
  const codeOfSmall = new Int16Array(1024).fill(-1)
  let before = NaN
  let code = -1
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!
    if (number !== before) {
      before = number
      const isSmall = number >= 0 && number < codeOfSmall.length && (number | 0) === number
      code = isSmall ? codeOfSmall[number]! : (values.get(number) ?? -1)
      if (code < 0) {
        code = values.size
        if (code === numberDictionaryMax) return undefined
        values.set(number, code)
        if (isSmall) codeOfSmall[number] = code
      }
    }
    codes[i] = code
  }
  return { values, codes, size: values.size }
}

function writeNumberList(sinks: ColumnSinks, numbers: Float64Array, isAttribute: boolean): ListEntry {
  const [min = 0, max = 0] = extentOf(numbers)
  const list: NumberListEntry = { kind: 'numbers', coding: writeNumbers(sinks.raw, numbers), min, max }
  if (!isAttribute || !sinks.filtering.ofIntegers || !isIntegers(list)) return list
  clearTokens(sinks.tokens)
  addTokensOfIntegers(sinks.tokens, numbers)
  return { ...list, bloomBytes: addFilter(sinks) }
}

function writeList(sinks: ColumnSinks, values: readonly AttributeValue[]): ListEntry {
  return values.every((value) => typeof value === 'string') ? writeTextList(sinks, values) : writeMixedList(sinks, values)
}

/** The bytes of all values, then their lengths. */
function writeTextList(sinks: ColumnSinks, values: readonly string[]): ListEntry {
  const joined = values.join('')
  const start = sinks.raw.length
  const isAscii = writeUtf8(sinks.raw, joined) === joined.length
  const lengths = Float64Array.from(values, (value) => (isAscii ? value.length : Buffer.byteLength(value)))
  return writeTextEnd(sinks, start, lengths)
}

/** Ends a list whose bytes stand at the end of `raw`: takes their tokens, writes the lengths, and frees these. */
function writeTextEnd(sinks: ColumnSinks, start: number, lengths: Float64Array): ListEntry {
  const { raw, tokens } = sinks
  const bytes = raw.length - start
  clearTokens(tokens)
  addTokensOfList(tokens, raw.bytes, start, lengths)
  const coding = writeNumbers(raw, lengths)
  releaseArrays(lengths)
  return { kind: 'text', bytes, lengths: coding, bloomBytes: addFilter(sinks) }
}

/** Writes a column whose texts were never strings. */
function writeTextLayout(sinks: ColumnSinks, column: ColumnBuffer, codes: Uint32Array, texts: TextEntries): Layout {
  const { count } = column
  if (texts.count === 1 && bytesOfEntries(texts) <= constantUnitsMax) return { kind: 'constant', value: textOf(texts, 0) }
  const hasCodes = isDictionary(column, texts.count)
  if (hasCodes && texts.index === undefined) {
    const distinct = distinctTexts(texts, codes)
    const layout = writeTextLayout(sinks, column, distinct.codes, distinct.texts)
    releaseArrays(distinct.codes)
    releaseTexts(distinct.texts)
    return layout
  }
  const size = hasCodes ? texts.count : count
  const lengths = new Float64Array(size)
  const start = sinks.raw.length
  if (hasCodes) {
    for (let entry = 0; entry < size; entry++) lengths[entry] = texts.ends[entry]! - startOf(texts, entry)
    writeBytes(sinks.raw, texts.bytes.subarray(0, bytesOfEntries(texts)))
  } else copyTexts(sinks.raw, texts, codes, lengths, column.textUnits)
  const list = writeTextEnd(sinks, start, lengths)
  if (hasCodes) writeCodes(sinks.raw, codes, count, size)
  return hasCodes ? { kind: 'dictionary', size, list } : { kind: 'plain', list }
}

/** Appends the text of each code, `bytes` in all, and puts its length in bytes into `lengths`. */
function copyTexts(raw: ByteSink, texts: TextEntries, codes: Uint32Array, lengths: Float64Array, bytes: number): void {
  const { ends } = texts
  let at = reserve(raw, bytes)
  for (let i = 0; i < lengths.length;) {
    const code = codes[i]!
    const start = startOf(texts, code)
    // Texts that were neighbours still are, as a rule: they are copied in one go.
    let next = code
    let end = start
    while (i < lengths.length && codes[i] === next) {
      lengths[i++] = ends[next]! - end
      end = ends[next++]!
    }
    copyBytes(raw.bytes, at, texts.bytes, start, end)
    at += end - start
  }
}

function writeMixedList(sinks: ColumnSinks, values: readonly AttributeValue[]): ListEntry {
  const start = sinks.raw.length
  clearTokens(sinks.tokens)
  for (const value of values) {
    writeValue(sinks.raw, value)
    addTokensOfText(sinks.tokens, String(value))
  }
  const hasText = values.some((value) => typeof value === 'string')
  return { kind: 'mixed', hasText, bytes: sinks.raw.length - start, bloomBytes: addFilter(sinks) }
}

/** Makes the filter of the tokens collected; answers its length. */
function addFilter({ filters, filtering, tokens }: ColumnSinks): number {
  const filter = filtering.filterOf(tokens)
  filters.push(filter)
  return filter.length
}

/** All low bytes, then all high bytes, as far as `codeWidth` asks for them. */
function writeCodes(sink: ByteSink, codes: Uint32Array, count: number, size: number): void {
  const width = codeWidth(size)
  const at = reserve(sink, width * count)
  const { bytes } = sink
  if (width > 0) for (let i = 0; i < count; i++) bytes[at + i] = codes[i]!
  if (width === 2) for (let i = 0; i < count; i++) bytes[at + count + i] = codes[i]! >>> 8
}

/** Row numbers as a bitmap, or as varint gaps when few rows have a value. */
export function writePresence(sink: ByteSink, rows: Uint16Array, blockRows: number): PresenceEntry {
  const count = rows.length
  if (count * 16 < blockRows) {
    const start = sink.length
    let before = -1
    for (const row of rows) {
      writeVarint(sink, row - before - 1)
      before = row
    }
    return { kind: 'gaps', count, bytes: sink.length - start }
  }
  const bytes = Math.ceil(blockRows / 8)
  const at = reserve(sink, bytes)
  sink.bytes.fill(0, at, at + bytes)
  for (const row of rows) sink.bytes[at + (row >>> 3)]! |= 1 << (row & 7)
  return { kind: 'bitmap', count, bytes }
}
