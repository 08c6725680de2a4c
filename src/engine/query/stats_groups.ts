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
  const combined = parts.length === 0 ? { codes: new Uint32Array(rows.length), size: 1 } : parts.reduce(combine)
  const cells: BlockCells['cells'] = Array.from({ length: combined.size })
  for (let i = 0; i < rows.length; i++) {
    const code = combined.codes[i]!
    cells[code] ??= { key: keys.map(({ codes, texts }) => texts(codes[i]!)), startMs: times?.startMs(times.codes[i]!) ?? 0 }
  }
  return { ...combined, cells }
}

/** Pairs of codes as codes; numbered anew where there would be too many to index by. */
export function combine(a: Codes, b: Codes): Codes {
  const codes = new Uint32Array(a.codes.length)
  const size = a.size * b.size
  if (isDense(size, codes.length)) {
    for (let i = 0; i < codes.length; i++) codes[i] = a.codes[i]! * b.size + b.codes[i]!
    return { codes, size }
  }
  const known = new Map<number, number>()
  for (let i = 0; i < codes.length; i++) {
    const pair = a.codes[i]! * b.size + b.codes[i]!
    let code = known.get(pair)
    if (code === undefined) known.set(pair, (code = known.size))
    codes[i] = code
  }
  return { codes, size: known.size }
}

interface FieldCodes extends Codes {
  /** The value that a code stands for, as text; null where the rows have none. Two codes may stand for the same text. */
  texts(code: number): string | null
}

function codesOfField(block: Block, field: Field, rows: Uint32Array): FieldCodes {
  const picked = pickValues(block, field, rows)
  if (picked === undefined) return { codes: new Uint32Array(rows.length), size: 1, texts: () => null }
  const { at, list } = picked
  if (list.kind === 'values' && list.distinct) {
    const texts: (string | null)[] = [null]
    const codes = new Uint32Array(at.length)
    // Code 0 stands for no value.
    for (let i = 0; i < codes.length; i++) codes[i] = at[i]! + 1
    return {
      codes,
      size: list.values.length + 1,
      texts: (code) => (code === 0 ? null : (texts[code] ??= facetText(field, list.values[code - 1]!) ?? null)),
    }
  }
  return numberValues(picked, field)
}

/** Gives each distinct value a code. */
function numberValues({ at, list }: Picked, field: Field): FieldCodes {
  const valueAt = list.kind === 'texts' ? textReader(list.pages) : (place: number) => list.values[place]!
  const texts: (string | null)[] = [null]
  const known = new Map<unknown, number>()
  const codes = new Uint32Array(at.length)
  for (let i = 0; i < at.length; i++) {
    if (at[i]! < 0) continue
    const value = valueAt(at[i]!)
    let code = known.get(value)
    if (code === undefined) {
      known.set(value, (code = texts.length))
      texts.push(facetText(field, value) ?? null)
    }
    codes[i] = code
  }
  return { codes, size: texts.length, texts: (code) => texts[code]! }
}

function codesOfTime(block: Block, bucketMs: number, rows: Uint32Array): Codes & { startMs(code: number): number } {
  const { values } = numbersOf(pickColumn(block.system('timestamp'), rows))
  const first = Math.floor(block.meta.minMs / bucketMs)
  const size = Math.floor(block.meta.maxMs / bucketMs) - first + 1
  const codes = new Uint32Array(rows.length)
  if (isDense(size, codes.length)) {
    for (let i = 0; i < codes.length; i++) codes[i] = Math.floor(values[i]! / bucketMs) - first
    return { codes, size, startMs: (code) => (first + code) * bucketMs }
  }
  const starts: number[] = []
  const known = new Map<number, number>()
  for (let i = 0; i < codes.length; i++) {
    const bucket = Math.floor(values[i]! / bucketMs)
    let code = known.get(bucket)
    if (code === undefined) {
      known.set(bucket, (code = starts.length))
      starts.push(bucket * bucketMs)
    }
    codes[i] = code
  }
  return { codes, size: starts.length, startMs: (code) => starts[code]! }
}

/** True where so many rows may index a table of all codes; where it would be mostly empty they go through a map. */
function isDense(size: number, rows: number): boolean {
  return size <= 4 * rows + 4096
}
