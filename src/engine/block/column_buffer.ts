import type { AttributeValue } from '../row.ts'
import type { SystemColumn } from './types.ts'

/** The values of one column while rows arrive: numbers as they are, all else as codes into distinct values. */
export interface ColumnBuffer {
  readonly system: SystemColumn | undefined
  readonly name: string
  /** Number of values; value i belongs to row rows[i]. System columns have one for each row and no `rows`. */
  count: number
  rows: Uint16Array
  lastRow: number
  /** Used as long as every value is a number. */
  numbers: Float64Array | undefined
  /** Used from the first value that is no number. */
  codes: Uint32Array | undefined
  distinct: AttributeValue[]
  codeOf: Map<AttributeValue, number>
  /** UTF-16 units of all strings, and of the distinct ones. */
  textUnits: number
  distinctUnits: number
  /** True when a name was repeated within a row, so that some distinct value may belong to no row. */
  overwritten: boolean
  /** The column that followed this one in the row before: names come in the same order again and again. */
  next: ColumnBuffer | undefined
}

export function createColumn(system: SystemColumn | undefined, name: string): ColumnBuffer {
  return {
    system,
    name,
    count: 0,
    rows: new Uint16Array(system === undefined ? 16 : 0),
    lastRow: -1,
    numbers: undefined,
    codes: undefined,
    distinct: [],
    codeOf: new Map(),
    textUnits: 0,
    distinctUnits: 0,
    overwritten: false,
    next: undefined,
  }
}

/** Adds a value for `row`, which is not less than the row before; a second value for the same row replaces the first. */
export function pushValue(column: ColumnBuffer, row: number, value: AttributeValue): void {
  let at = column.count
  if (column.lastRow === row) {
    at--
    column.overwritten = true
  } else {
    if (column.system === undefined) {
      if (at === column.rows.length) column.rows = grownRows(column.rows)
      column.rows[at] = row
    }
    column.lastRow = row
    column.count++
  }
  if (typeof value === 'number') pushNumber(column, at, value)
  else pushCode(column, at, codeFor(column, value))
}

function pushNumber(column: ColumnBuffer, at: number, value: number): void {
  if (!Number.isFinite(value)) throw new RangeError(`${column.name}: a number must be finite`)
  // Adding 0 turns -0, which JSON cannot tell from 0 either, into 0.
  const number = value + 0
  if (column.codes !== undefined) {
    pushCode(column, at, codeFor(column, number))
    return
  }
  let { numbers } = column
  if (numbers === undefined) numbers = column.numbers = new Float64Array(16)
  else if (at === numbers.length) {
    numbers = new Float64Array(at * 2)
    numbers.set(column.numbers!)
    column.numbers = numbers
  }
  numbers[at] = number
}

function pushCode(column: ColumnBuffer, at: number, code: number): void {
  let codes = column.codes ?? codesOfNumbers(column, at)
  if (at >= codes.length) {
    const grown = new Uint32Array(Math.max(16, codes.length * 2))
    grown.set(codes)
    codes = column.codes = grown
  }
  codes[at] = code
}

/** The code of a value, a new one for a new value. */
function codeFor(column: ColumnBuffer, value: AttributeValue): number {
  const known = column.codeOf.get(value)
  if (typeof value !== 'string') return known ?? newCode(column, value)
  if (known === undefined && !value.isWellFormed()) return codeFor(column, value.toWellFormed())
  column.textUnits += value.length
  if (known !== undefined) return known
  column.distinctUnits += value.length
  return newCode(column, value)
}

function newCode(column: ColumnBuffer, value: AttributeValue): number {
  const code = column.distinct.push(value) - 1
  column.codeOf.set(value, code)
  return code
}

/** The column stops being one of numbers only: the first `count` become distinct values too. */
function codesOfNumbers(column: ColumnBuffer, count: number): Uint32Array {
  const { numbers } = column
  const codes = new Uint32Array(Math.max(16, numbers?.length ?? 0))
  column.codes = codes
  for (let i = 0; i < count; i++) codes[i] = codeFor(column, numbers![i]!)
  column.numbers = undefined
  return codes
}

function grownRows(rows: Uint16Array): Uint16Array {
  const grown = new Uint16Array(rows.length * 2)
  grown.set(rows)
  return grown
}

/** Drops distinct values that no row has any more, keeping the order of first use. */
export function dropUnused(column: ColumnBuffer): void {
  const { codes, distinct, count } = column
  if (!column.overwritten || codes === undefined) return
  column.distinct = []
  column.codeOf = new Map()
  column.textUnits = 0
  column.distinctUnits = 0
  for (let i = 0; i < count; i++) codes[i] = codeFor(column, distinct[codes[i]!]!)
}
