import type { AttributeValue } from '../row.ts'
import type { TextEntries } from './text_entries.ts'
import type { SystemColumn } from './types.ts'

/** The values of one column while rows arrive: numbers as they are, all else as codes into entries. */
export interface ColumnBuffer {
  readonly system: SystemColumn | undefined
  readonly name: string
  /** Number of values; value i belongs to row rows[i]. System columns have one for each row and no `rows`. */
  count: number
  rows: Uint16Array
  lastRow: number
  /** Used as long as every value is a number. */
  numbers: Float64Array | undefined
  /** Used from the first value that is no number: indexes into `entries`. */
  codes: Uint32Array | undefined
  /** Distinct values in order of first use; with repeats once `codeOf` was given up. */
  entries: AttributeValue[]
  /** In the place of `entries` where a merge fills the column with texts that were never strings. */
  texts: TextEntries | undefined
  /** Undefined once it is plain that values hardly repeat: then each value is an entry of its own. */
  codeOf: Map<AttributeValue, number> | undefined
  lastCode: number
  /** UTF-16 units (see `unitsOf`) of all values, and of those in `entries`. */
  textUnits: number
  entryUnits: number
  /** True when a name was repeated within a row, so that some entry may belong to no row. */
  overwritten: boolean
  expected: ExpectedSize
  /** The column that followed this one in the row before: names come in the same order again and again. */
  next: ColumnBuffer | undefined
}

/** What a column will hold, as far as one can tell: a merge makes room for so much at first. */
export interface ExpectedSize {
  values: number
  textBytes: number
}

const unknownSize: ExpectedSize = { values: 16, textBytes: 1024 }

/** So many different values without one repeat speak of a hundred thousand or more. */
const uniqueSample = 512

export function createColumn(system: SystemColumn | undefined, name: string, expected = unknownSize): ColumnBuffer {
  return {
    system,
    name,
    count: 0,
    rows: new Uint16Array(system === undefined ? 16 : 0),
    lastRow: -1,
    numbers: undefined,
    codes: undefined,
    entries: [],
    texts: undefined,
    codeOf: new Map(),
    lastCode: 0,
    textUnits: 0,
    entryUnits: 0,
    overwritten: false,
    expected,
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
  else pushEntry(column, at, value)
}

function pushNumber(column: ColumnBuffer, at: number, value: number): void {
  if (!Number.isFinite(value)) throw new RangeError(`${column.name}: a number must be finite`)
  // Adding 0 turns -0, which JSON cannot tell from 0 either, into 0.
  const number = value + 0
  if (column.codes !== undefined) {
    pushEntry(column, at, number)
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

function pushEntry(column: ColumnBuffer, at: number, value: AttributeValue): void {
  let codes = column.codes ?? codesOfNumbers(column, at)
  if (at >= codes.length) {
    const grown = new Uint32Array(Math.max(16, codes.length * 2))
    grown.set(codes)
    codes = column.codes = grown
  }
  codes[at] = codeFor(column, value)
}

/** The code of a value, a new one for a new value. */
function codeFor(column: ColumnBuffer, value: AttributeValue): number {
  const { entries } = column
  let code: number | undefined = column.lastCode
  if (column.codeOf === undefined) code = undefined
  else if (entries[code] !== value) code = column.codeOf.get(value)
  if (code === undefined) {
    if (typeof value === 'string' && !value.isWellFormed()) return codeFor(column, value.toWellFormed())
    code = newCode(column, value)
  }
  column.textUnits += unitsOf(value)
  column.lastCode = code
  return code
}

function newCode(column: ColumnBuffer, value: AttributeValue): number {
  const code = column.entries.push(value) - 1
  column.entryUnits += unitsOf(value)
  if (column.codeOf === undefined) return code
  // No repeat so far: ids, most likely. Looking each one up would take longer than all the rest.
  if (column.codeOf.size === uniqueSample && column.count <= uniqueSample + 1) column.codeOf = undefined
  else column.codeOf.set(value, code)
  return code
}

/** UTF-16 units of a value's text; numbers and booleans, which are short, count as none. */
export function unitsOf(value: AttributeValue): number {
  if (typeof value === 'string') return value.length
  return typeof value === 'bigint' ? String(value).length : 0
}

/** The column stops being one of numbers only: the first `count` become entries too. */
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

/** The column without entries that no row has any more: rows that repeat a name are rare, so it is simply built anew. */
export function withoutUnused(column: ColumnBuffer): ColumnBuffer {
  const { codes, entries, rows } = column
  if (!column.overwritten || codes === undefined) return column
  const clean = createColumn(column.system, column.name)
  for (let i = 0; i < column.count; i++) pushValue(clean, rows[i]!, entries[codes[i]!]!)
  return clean
}
