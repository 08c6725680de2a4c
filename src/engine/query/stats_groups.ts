import type { Block } from '../block/types.ts'
import type { Field } from './ast.ts'
import { facetText, textReader } from './facet_values.ts'
import type { GroupKey } from './stats_types.ts'
import type { Picked } from './stats_values.ts'
import { numbersOf, pickColumn, pickValues } from './stats_values.ts'

/** A small number for each of some rows, 0 up to `size`: rows with the same number belong together. */
export interface Codes {
  codes: Uint32Array
  size: number
}

/** The cells of one block: what rows with the same code have in common. */
export interface BlockCells extends Codes {
  /** Of each code: the group's key and the start of its bucket (0 without buckets); undefined when no row has it. */
  cells: ({ key: GroupKey; startMs: number } | undefined)[]
}

/** Sorts rows into cells by their values of the fields and their time bucket. */
export function cellsOfBlock(block: Block, by: readonly Field[], bucketMs: number | null, rows: Uint32Array): BlockCells {
  const keys = by.map((field) => codesOfField(block, field, rows))
  const times = bucketMs === null ? undefined : codesOfTime(block, bucketMs, rows)
  const parts: Codes[] = times === undefined ? keys : [...keys, times]
  const { codes, size } = parts.length === 0 ? sameCode(rows.length) : parts.reduce(combine)
  const cells = Array.from(firstRows(codes, size), (row) => (row < 0 ? undefined : cellOf(keys, times, row)))
  return { codes, size, cells }
}

/** Functions that loop over rows answer with lists, and those that make objects with number fields have no such loop: see encode/extent.ts. */
function cellOf(keys: readonly FieldCodes[], times: TimeCodes | undefined, row: number): BlockCells['cells'][number] {
  return { key: keys.map(({ codes, texts }) => texts(codes[row]!)), startMs: times?.startMs(times.codes[row]!) ?? 0 }
}

function sameCode(rows: number): Codes {
  return { codes: new Uint32Array(rows), size: 1 }
}

/** The first row with each code, -1 where there is none. */
function firstRows(codes: Uint32Array, size: number): Int32Array {
  const first = new Int32Array(size).fill(-1)
  for (let row = codes.length - 1; row >= 0; row--) first[codes[row]!] = row
  return first
}

/** Pairs of codes as codes; numbered anew where there would be too many to index by. */
export function combine(a: Codes, b: Codes): Codes {
  const size = a.size * b.size
  const pairs = pairsOf(a.codes, b.codes, b.size)
  return isDense(size, pairs.length) ? { codes: Uint32Array.from(pairs), size } : numbered(pairs)
}

function pairsOf(a: Uint32Array, b: Uint32Array, bSize: number): Float64Array {
  const pairs = new Float64Array(a.length)
  for (let i = 0; i < pairs.length; i++) pairs[i] = a[i]! * bSize + b[i]!
  return pairs
}

/** Gives each distinct number a code; `values` has them by code. */
function numbered(numbers: Float64Array): Codes & { values: readonly number[] } {
  const values: number[] = []
  const codes = numberInto(numbers, values)
  return { codes, size: values.length, values }
}

function numberInto(numbers: Float64Array, values: number[]): Uint32Array {
  const known = new Map<number, number>()
  const codes = new Uint32Array(numbers.length)
  for (let i = 0; i < codes.length; i++) {
    let code = known.get(numbers[i]!)
    if (code === undefined) known.set(numbers[i]!, (code = values.push(numbers[i]!) - 1))
    codes[i] = code
  }
  return codes
}

interface FieldCodes extends Codes {
  /** The value that a code stands for, as text; null where the rows have none. Two codes may stand for the same text. */
  texts(code: number): string | null
}

function codesOfField(block: Block, field: Field, rows: Uint32Array): FieldCodes {
  const picked = pickValues(block, field, rows)
  if (picked === undefined) return { ...sameCode(rows.length), texts: () => null }
  const { at, list } = picked
  const texts: (string | null)[] = [null]
  if (list.kind === 'values' && list.distinct) {
    return {
      codes: codesOfPlaces(at),
      size: list.values.length + 1,
      texts: (code) => (code === 0 ? null : (texts[code] ??= facetText(field, list.values[code - 1]!) ?? null)),
    }
  }
  const codes = codesOfValues(picked, field, texts)
  return { codes, size: texts.length, texts: (code) => texts[code]! }
}

/** Code 0 stands for no value. */
function codesOfPlaces(at: Int32Array): Uint32Array {
  const codes = new Uint32Array(at.length)
  for (let i = 0; i < codes.length; i++) codes[i] = at[i]! + 1
  return codes
}

/** Gives each distinct value a code, whose text is added to `texts`; 0 stands for no value. */
function codesOfValues({ at, list }: Picked, field: Field, texts: (string | null)[]): Uint32Array {
  const valueAt = list.kind === 'texts' ? textReader(list.pages) : (place: number) => list.values[place]!
  const known = new Map<unknown, number>()
  const codes = new Uint32Array(at.length)
  for (let i = 0; i < at.length; i++) {
    if (at[i]! < 0) continue
    const value = valueAt(at[i]!)
    let code = known.get(value)
    if (code === undefined) known.set(value, (code = texts.push(facetText(field, value) ?? null) - 1))
    codes[i] = code
  }
  return codes
}

interface TimeCodes extends Codes {
  /** Where the bucket of a code starts. */
  startMs(code: number): number
}

function codesOfTime(block: Block, bucketMs: number, rows: Uint32Array): TimeCodes {
  const { values } = numbersOf(pickColumn(block.system('timestamp'), rows))
  const first = Math.floor(block.meta.minMs / bucketMs)
  const size = Math.floor(block.meta.maxMs / bucketMs) - first + 1
  const buckets = bucketsOf(values, bucketMs, first)
  if (isDense(size, rows.length)) return { codes: Uint32Array.from(buckets), size, startMs: (code) => (first + code) * bucketMs }
  const { codes, values: bucketOf } = numbered(buckets)
  return { codes, size: bucketOf.length, startMs: (code) => (first + bucketOf[code]!) * bucketMs }
}

/** The bucket of each time, counted from `first`. */
function bucketsOf(values: Float64Array, bucketMs: number, first: number): Float64Array {
  const buckets = new Float64Array(values.length)
  for (let i = 0; i < buckets.length; i++) buckets[i] = Math.floor(values[i]! / bucketMs) - first
  return buckets
}

/** True where so many rows may index a table of all codes; where it would be mostly empty they go through a map. */
function isDense(size: number, rows: number): boolean {
  return size <= 4 * rows + 4096
}
