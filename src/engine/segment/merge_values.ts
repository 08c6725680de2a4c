import { releaseArrays } from '../../core/buffers.ts'
import type { ColumnBuffer } from '../block/column_buffer.ts'
import { pushValue } from '../block/column_buffer.ts'
import { appendTexts, bytesOfEntries, createTextEntries, entryOf, sampledEntryOf, textOf } from '../block/text_entries.ts'
import type { TextEntries } from '../block/text_entries.ts'
import type { TextPage } from '../block/types.ts'
import { decodeUtf8 } from '../encode/bytes.ts'
import type { AttributeValue } from '../row.ts'
import type { Picks } from './merge_columns.ts'

/*
 * A column is filled in one of three ways: numbers as they are; texts as bytes; anything else value by value, which also
 * takes over when values of another type come to a column of numbers or texts. Values stand in the order of their arrival,
 * `rows` telling where each belongs.
 */

type Codes = Uint8Array | Uint16Array | Uint32Array

/** Bytes of the different texts of a column, about. */
export function textBytesOf({ texts, entryUnits }: ColumnBuffer): number {
  return texts === undefined ? entryUnits : bytesOfEntries(texts)
}

/** Adds numbers[index], or numbers[codes[index]], for each pick. */
export function addNumbers(column: ColumnBuffer, numbers: Float64Array, codes: Codes | undefined, picks: Picks): void {
  const { indexes, rows } = picks
  if (column.codes !== undefined) {
    addValues(column, picks, (index) => numbers[codes === undefined ? index : codes[index]!]!)
    return
  }
  const at = column.count
  addPlaces(column, rows)
  const target = (column.numbers = withRoom(column.numbers ?? new Float64Array(column.expected.values), column.count))
  if (codes === undefined) for (let i = 0; i < rows.length; i++) target[at + i] = numbers[indexes[i]!]!
  else for (let i = 0; i < rows.length; i++) target[at + i] = numbers[codes[indexes[i]!]!]!
}

/** Adds the values of a list of texts. */
export function addTexts(column: ColumnBuffer, pages: readonly TextPage[], picks: Picks): void {
  const { indexes, rows } = picks
  const texts = textsOf(column)
  if (texts === undefined) {
    const textAt = textFinder(pages)
    addValues(column, picks, (index) => textAt(index))
    return
  }
  const at = column.count
  addPlaces(column, rows)
  const codes = (column.codes = withRoom(column.codes ?? new Uint32Array(column.expected.values), column.count))
  let pageIndex = 0
  for (let i = 0; i < rows.length;) {
    const index = indexes[i]!
    while (index >= pages[pageIndex]!.first + pages[pageIndex]!.count) pageIndex++
    const page = pages[pageIndex]!
    const first = index - page.first
    if (texts.index !== undefined) {
      codes[at + i++] = sampledEntryOf(texts, page.bytes, page.offsets[first]!, page.offsets[first + 1]!)
      continue
    }
    // Rows that stay neighbours are copied in one go.
    let run = 1
    while (i + run < rows.length && indexes[i + run] === index + run && first + run < page.count) run++
    const entry = appendTexts(texts, page, first, run)
    for (let k = 0; k < run; k++) codes[at + i + k] = entry + k
    i += run
  }
}

/** Adds entries[codes[index]] for each pick, or the only entry when there are no codes; entries that no pick has stay out. */
export function addEntries(column: ColumnBuffer, entries: readonly AttributeValue[], codes: Codes | undefined, picks: Picks): void {
  const { indexes, rows } = picks
  if (column.codes === undefined && entries.every((entry) => typeof entry === 'number')) {
    addNumbers(column, Float64Array.from(entries), codes ?? new Uint8Array(indexes.at(-1)! + 1), picks)
    return
  }
  const texts = entries.every((entry) => typeof entry === 'string') ? textsOf(column) : undefined
  if (texts === undefined) {
    addValues(column, picks, (index) => entries[codes === undefined ? 0 : codes[index]!]!)
    return
  }
  const at = column.count
  addPlaces(column, rows)
  const target = (column.codes = withRoom(column.codes ?? new Uint32Array(column.expected.values), column.count))
  const codeOf = new Int32Array(entries.length).fill(-1)
  for (let i = 0; i < rows.length; i++) {
    const entry = codes === undefined ? 0 : codes[indexes[i]!]!
    let code = codeOf[entry]!
    if (code < 0) code = codeOf[entry] = entryOfText(texts, String(entries[entry]))
    target[at + i] = code
  }
}

/** Adds values of any type, one by one. */
export function addMixed(column: ColumnBuffer, values: readonly AttributeValue[], picks: Picks): void {
  addValues(column, picks, (index) => values[index]!)
}

function addValues(column: ColumnBuffer, { indexes, rows }: Picks, valueAt: (index: number) => AttributeValue): void {
  if (column.texts !== undefined) becomeValues(column, column.texts)
  for (let i = 0; i < rows.length; i++) pushValue(column, rows[i]!, valueAt(indexes[i]!))
}

/** The texts of a column that has no value of another type, else undefined. */
function textsOf(column: ColumnBuffer): TextEntries | undefined {
  if (column.count === 0) column.texts = createTextEntries(column.expected.values, column.expected.textBytes)
  return column.texts
}

/** The column stops being one of texts only: what it has is added once more, as strings. */
function becomeValues(column: ColumnBuffer, texts: TextEntries): void {
  const { codes, count, rows } = column
  column.texts = undefined
  column.codes = undefined
  column.count = 0
  for (let i = 0; i < count; i++) pushValue(column, rows[i]!, textOf(texts, codes![i]!))
}

const scratch = new Uint8Array(256)
const utf8 = new TextEncoder()

function entryOfText(texts: TextEntries, text: string): number {
  const room = text.length * 3 <= scratch.length ? scratch : new Uint8Array(text.length * 3)
  const { written } = utf8.encodeInto(text, room)
  return entryOf(texts, room, 0, written)
}

/** Decodes texts of a list one by one; they are asked for in ascending order. */
function textFinder(pages: readonly TextPage[]): (index: number) => string {
  let pageIndex = 0
  return (index) => {
    while (index >= pages[pageIndex]!.first + pages[pageIndex]!.count) pageIndex++
    const { first, bytes, offsets } = pages[pageIndex]!
    return decodeUtf8(bytes, offsets[index - first]!, offsets[index - first + 1])
  }
}

function addPlaces(column: ColumnBuffer, rows: Uint16Array): void {
  const at = column.count
  column.count += rows.length
  if (column.system !== undefined) return
  column.rows = withRoom(column.rows, Math.max(column.count, column.expected.values))
  column.rows.set(rows, at)
}

/** The array itself, or a longer copy of it that takes its place. */
function withRoom<T extends Uint16Array | Uint32Array | Float64Array>(array: T, length: number): T {
  if (array.length >= length) return array
  const grown = new (array.constructor as new (length: number) => T)(Math.max(length, array.length * 2))
  grown.set(array)
  releaseArrays(array)
  return grown
}
