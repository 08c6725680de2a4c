import type { AttributeValue } from '../row.ts'
import type { Sketch } from './ddsketch.ts'
import { addToSketch, bytesOfSketch, createSketch, mergeSketch, sketchCode } from './ddsketch.ts'
import { hashText } from './hash.ts'
import type { Distinct } from './hyperloglog.ts'
import { addToDistinct, bytesOfDistinct, createDistinct, mergeDistinct } from './hyperloglog.ts'
import type { Codes } from './stats_groups.ts'
import type { MeasureState, StatsFunction } from './stats_types.ts'
import type { Numbers, Picked } from './stats_values.ts'
import { hashesOf } from './stats_values.ts'

/** What is kept of one field; several functions may share it. Rows of a cell are counted anyway. */
export interface Measure {
  kind: MeasureState['kind']
  field: string
}

/** The values of one field in some rows of a block, and the cell of each row. */
export interface MeasureInput {
  picked: Picked
  /** Decoded once for all measures of the field. */
  numbers(): Numbers
  /** Cells of this block, and of each code the cell's index in the state. */
  codes: Codes
  cellOfCode: Uint32Array
  /** Index in the state of each row's cell. */
  cells: Uint32Array
}

const kinds = {
  count: 'present',
  count_distinct: 'distinct',
  sum: 'sum',
  avg: 'sum',
  min: 'range',
  max: 'range',
  percentile: 'quantiles',
} as const satisfies Record<StatsFunction['name'], Measure['kind']>

/** The measures that the functions need, each once; count() needs none. */
export function measuresOf(functions: readonly StatsFunction[]): Measure[] {
  const measures: Measure[] = []
  for (const each of functions) {
    const { name, field } = each
    if (field !== null && !measures.some((measure) => isMeasureOf(measure, each))) measures.push({ kind: kinds[name], field })
  }
  return measures
}

export function isMeasureOf({ kind, field }: Measure, each: StatsFunction): boolean {
  return each.field === field && kinds[each.name] === kind
}

export function createState(kind: Measure['kind']): MeasureState {
  switch (kind) {
    case 'present':
      return { kind, counts: [] }
    case 'sum':
      return { kind, sums: [], errors: [], counts: [] }
    case 'range':
      return { kind, least: [], most: [] }
    case 'distinct':
    case 'quantiles':
      return { kind, cells: [] }
  }
}

/** Appends an empty cell. */
export function addCell(state: MeasureState): void {
  switch (state.kind) {
    case 'present':
      state.counts.push(0)
      break
    case 'sum':
      state.sums.push(0)
      state.errors.push(0)
      state.counts.push(0)
      break
    case 'range':
      state.least.push(Infinity)
      state.most.push(-Infinity)
      break
    case 'distinct':
      state.cells.push(createDistinct())
      break
    case 'quantiles':
      state.cells.push(createSketch())
  }
}

/** Adds the values of some rows. */
export function addValues(state: MeasureState, input: MeasureInput): void {
  switch (state.kind) {
    case 'present':
      return addPresent(state.counts, input)
    case 'sum':
      return addSums(state, input)
    case 'range':
      return addRange(state, input)
    case 'distinct':
      return addDistinct(state.cells, input)
    case 'quantiles':
      return addQuantiles(state.cells, input)
  }
}

/** Adds cell i of `from` to cell into[i]; leaves it out where that is negative. */
export function mergeState(state: MeasureState, from: MeasureState, into: Int32Array): void {
  for (let i = 0; i < into.length; i++) {
    const cell = into[i]!
    if (cell < 0) continue
    if (state.kind === 'present' && from.kind === 'present') state.counts[cell]! += from.counts[i]!
    else if (state.kind === 'sum' && from.kind === 'sum') {
      addExactly(state, cell, from.sums[i]!)
      state.errors[cell]! += from.errors[i]!
      state.counts[cell]! += from.counts[i]!
    } else if (state.kind === 'range' && from.kind === 'range') {
      if (from.least[i]! < state.least[cell]!) state.least[cell] = from.least[i]!
      if (from.most[i]! > state.most[cell]!) state.most[cell] = from.most[i]!
    } else if (state.kind === 'distinct' && from.kind === 'distinct') mergeDistinct(state.cells[cell]!, from.cells[i]!)
    else if (state.kind === 'quantiles' && from.kind === 'quantiles') mergeSketch(state.cells[cell]!, from.cells[i]!)
  }
}

/** About what a cell takes in memory and on its way to another isolate. */
export function bytesOfCell(state: MeasureState, cell: number): number {
  switch (state.kind) {
    case 'present':
      return 8
    case 'sum':
      return 24
    case 'range':
      return 16
    case 'distinct':
      return 64 + bytesOfDistinct(state.cells[cell]!)
    case 'quantiles':
      return 64 + bytesOfSketch(state.cells[cell]!)
  }
}

function addPresent(counts: number[], { picked, cells }: MeasureInput): void {
  const { at } = picked
  for (let i = 0; i < at.length; i++) if (at[i]! >= 0) counts[cells[i]!]!++
}

type Sums = Extract<MeasureState, { kind: 'sum' }>

function addSums(state: Sums, { numbers, cells }: MeasureInput): void {
  const { values } = numbers()
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    // Not equal to itself: NaN, so no number.
    if (value !== value) continue
    addExactly(state, cells[i]!, value)
    state.counts[cells[i]!]!++
  }
}

/** Knuth's two-sum: what the addition rounds away is kept in `errors`, so that the order of adding does not show. */
function addExactly({ sums, errors }: Sums, cell: number, value: number): void {
  const sum = sums[cell]!
  const added = sum + value
  const part = added - sum
  sums[cell] = added
  errors[cell]! += sum - (added - part) + (value - part)
}

function addRange({ least, most }: Extract<MeasureState, { kind: 'range' }>, { numbers, cells }: MeasureInput): void {
  const { values, exact } = numbers()
  for (let i = 0; i < values.length; i++) {
    const cell = cells[i]!
    // The number nearest to a big integer may lie on either side of it.
    if (exact.size > 0 && exact.has(i)) continue
    if (values[i]! < least[cell]!) least[cell] = values[i]!
    if (values[i]! > most[cell]!) most[cell] = values[i]!
  }
  for (const [i, value] of exact) {
    const cell = cells[i]!
    if (value < least[cell]!) least[cell] = value
    if (value > most[cell]!) most[cell] = value
  }
}

function addDistinct(state: readonly Distinct[], input: MeasureInput): void {
  if (forEachPair(input, (cell, value) => addToDistinct(state[cell]!, hashText(String(value))))) return
  const { picked, cells } = input
  const hashes = hashesOf(picked)
  for (let i = 0; i < hashes.length; i++) if (picked.at[i]! >= 0) addToDistinct(state[cells[i]!]!, hashes[i]!)
}

function addQuantiles(state: readonly Sketch[], input: MeasureInput): void {
  const isDone = forEachPair(input, (cell, value, count) => {
    if (typeof value === 'number' || typeof value === 'bigint') addToSketch(state[cell]!, sketchCode(Number(value)), count)
  })
  if (isDone) return
  const { values } = input.numbers()
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (value === value) addToSketch(state[input.cells[i]!]!, sketchCode(value))
  }
}

/** Visits each value of each cell once, with its number of rows. False, and nothing visited, where that is no less than visiting the rows. */
function forEachPair(
  { picked, codes, cellOfCode }: MeasureInput,
  visit: (cell: number, value: AttributeValue, rows: number) => void,
): boolean {
  const { at, list } = picked
  if (list.kind !== 'values' || !list.distinct) return false
  const size = list.values.length
  if (codes.size * size > at.length) return false
  const counts = new Uint32Array(codes.size * size)
  for (let i = 0; i < at.length; i++) if (at[i]! >= 0) counts[codes.codes[i]! * size + at[i]!]!++
  for (let pair = 0; pair < counts.length; pair++) {
    if (counts[pair]! > 0) visit(cellOfCode[Math.floor(pair / size)]!, list.values[pair % size]!, counts[pair]!)
  }
  return true
}
