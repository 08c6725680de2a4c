import type { Bitmap } from '../bitmap.ts'
import { bitmapCount, bitmapForEach } from '../bitmap.ts'
import type { Block, Column, TextPage } from '../block/types.ts'
import type { AttributeValue } from '../row.ts'
import type { Field } from './ast.ts'
import { columnOf } from './select.ts'
import { hashBytes, hashText } from './hash.ts'

/** The values of a field in some rows: row i has value number at[i] of the list, none where at[i] is negative. */
export interface Picked {
  at: Int32Array
  list: ValueList
}

/** `distinct`: each value stands once, so what is worked out for a value serves many rows. */
export type ValueList =
  | { kind: 'values'; values: readonly AttributeValue[]; distinct: boolean }
  | { kind: 'numbers'; values: Float64Array }
  | { kind: 'texts'; pages: readonly TextPage[] }

/** Numbers of some rows, NaN where a row has none. */
export interface Numbers {
  values: Float64Array
  /** Integers beyond 2^53 exactly, by their index in `values`. */
  exact: ReadonlyMap<number, bigint>
}

/** The row numbers of a set, ascending. */
export function rowsOf(found: Bitmap): Uint32Array {
  const rows = new Uint32Array(bitmapCount(found))
  let count = 0
  bitmapForEach(found, (row) => (rows[count++] = row))
  return rows
}

/** Undefined when the block has no such column. An empty message or source and the update time of a row never changed count as missing. */
export function pickValues(block: Block, field: Field, rows: Uint32Array): Picked | undefined {
  const column = columnOf(block, field)
  if (column === undefined) return undefined
  const picked = pickColumn(column, rows)
  if ('system' in field) dropMissing(field.system, picked)
  return picked
}

export function pickColumn(column: Column, rows: Uint32Array): Picked {
  const at = placesOf(column, rows)
  const data = column.data()
  switch (data.kind) {
    case 'constant':
      for (let i = 0; i < at.length; i++) if (at[i]! > 0) at[i] = 0
      return { at, list: { kind: 'values', values: [data.value], distinct: true } }
    case 'dictionary': {
      const { codes, values } = data
      for (let i = 0; i < at.length; i++) if (at[i]! >= 0) at[i] = codes[at[i]!]!
      return { at, list: { kind: 'values', values, distinct: true } }
    }
    case 'number':
      return { at, list: { kind: 'numbers', values: data.values } }
    case 'mixed':
      return { at, list: { kind: 'values', values: data.values, distinct: false } }
    case 'text':
      return { at, list: { kind: 'texts', pages: data.pages } }
  }
}

/** Index of each row among those that have a value, -1 where it has none. */
function placesOf(column: Column, rows: Uint32Array): Int32Array {
  const presence = column.presence()
  if (presence === undefined) return new Int32Array(rows)
  const places = new Int32Array(presence.length).fill(-1)
  let count = 0
  bitmapForEach(presence, (row) => (places[row] = count++))
  const picked = new Int32Array(rows.length)
  for (let i = 0; i < rows.length; i++) picked[i] = places[rows[i]!]!
  return picked
}

function dropMissing(system: string, { at, list }: Picked): void {
  if (system !== 'message' && system !== 'source' && system !== 'updated') return
  const isMissing = missingTest(list)
  for (let i = 0; i < at.length; i++) if (at[i]! >= 0 && isMissing(at[i]!)) at[i] = -1
}

function missingTest(list: ValueList): (place: number) => boolean {
  if (list.kind === 'numbers') return (place) => list.values[place] === 0
  if (list.kind === 'values') return (place) => list.values[place] === 0 || list.values[place] === ''
  const bytesOf = textWalker(list.pages, (_, start, end) => end - start)
  return (place) => bytesOf(place) === 0
}

/** The values as numbers. Text is no number, also where it looks like one. */
export function numbersOf({ at, list }: Picked): Numbers {
  const values = new Float64Array(at.length)
  if (list.kind === 'texts') return { values: values.fill(NaN), exact: new Map() }
  const isNumber = (value: unknown) => typeof value === 'number' || typeof value === 'bigint'
  const known = list.kind === 'numbers' ? list.values : Float64Array.from(list.values, (value) => (isNumber(value) ? Number(value) : NaN))
  for (let i = 0; i < at.length; i++) values[i] = at[i]! < 0 ? NaN : known[at[i]!]!
  return { values, exact: list.kind === 'values' ? exactOf(at, list.values) : new Map() }
}

function exactOf(at: Int32Array, values: readonly AttributeValue[]): ReadonlyMap<number, bigint> {
  const exact = new Map<number, bigint>()
  if (!values.some((value) => typeof value === 'bigint')) return exact
  for (let i = 0; i < at.length; i++) {
    const value = values[at[i]!]
    if (typeof value === 'bigint') exact.set(i, value)
  }
  return exact
}

/** Hash of each row's value as text (5 and "5" are the same), 0 where there is none. */
export function hashesOf({ at, list }: Picked): Float64Array {
  const hashOf = hasher(list)
  const hashes = new Float64Array(at.length)
  for (let i = 0; i < at.length; i++) if (at[i]! >= 0) hashes[i] = hashOf(at[i]!)
  return hashes
}

function hasher(list: ValueList): (place: number) => number {
  if (list.kind === 'texts') return textWalker(list.pages, hashBytes)
  if (list.kind === 'numbers') return (place) => hashText(String(list.values[place]!))
  const known = new Float64Array(list.values.length)
  return (place) => (known[place] ||= hashText(String(list.values[place]!)))
}

/** Applies `read` to the bytes of texts by their indexes, which must not descend. */
export function textWalker<T>(
  pages: readonly TextPage[],
  read: (bytes: Uint8Array, start: number, end: number) => T,
): (place: number) => T {
  let at = 0
  return (place) => {
    while (place >= pages[at]!.first + pages[at]!.count) at++
    const { bytes, offsets, first } = pages[at]!
    return read(bytes, offsets[place - first]!, offsets[place - first + 1]!)
  }
}
