import { errorOfSketch, quantileOf } from './ddsketch.ts'
import { countOfDistinct, distinctError, isExactDistinct } from './hyperloglog.ts'
import { isMeasureOf, measuresOf } from './stats_measures.ts'
import type { OpenTable } from './stats_table.ts'
import { addTable, createTable, findCell } from './stats_table.ts'
import type { GroupKey, MeasureState, StatsFunction, StatsPlan, StatsTable } from './stats_types.ts'

/** Value of a function: null where there is none, as of a mean without numbers, or where a sum passes what a double holds. */
export type StatsValue = number | bigint | null

export interface StatsAnswer {
  /** At most the asked number, in the asked order. */
  groups: {
    key: GroupKey
    /** Over all buckets, one for each function. */
    values: StatsValue[]
    /** Ascending; buckets without rows are absent. Empty where the plan has none. */
    buckets: { startMs: number; values: StatsValue[] }[]
    /** False: rows of it may be missing, since groups had to be dropped. */
    isComplete: boolean
  }[]
  /** Groups there are; a lower bound when `isPruned`. */
  groupCount: number
  isPruned: boolean
  /** For each function the greatest error among the groups given: relative of a percentile, standard of an estimated distinct count, 0 when exact. */
  errors: number[]
}

/** How groups are ranked: by the value of a function (index), null last; ties by key. */
export interface StatsOrder {
  function: number
  isDescending: boolean
}

/** The first `limit` groups of merged statistics. */
export function answerStats(plan: StatsPlan, table: StatsTable, order: StatsOrder, limit: number): StatsAnswer {
  const { table: totals } = totalsOf(plan, table)
  const measures = measuresOf(plan.functions)
  const places = plan.functions.map((each) => ({ each, measure: measures.findIndex((measure) => isMeasureOf(measure, each)) }))
  const valuesOf = (of: StatsTable, cell: number) => places.map(({ each, measure }) => valueOf(each, of.states[measure], of, cell))
  const ranked = totals.groups.map(({ key }, group) => {
    const { each, measure } = places[order.function]!
    return { group, value: valueOf(each, totals.states[measure], totals, group), text: JSON.stringify(key) }
  })
  ranked.sort((a, b) => compareValues(a.value, b.value, order.isDescending) || (a.text < b.text ? -1 : 1))
  const given = ranked.slice(0, limit)
  const cells = plan.bucketMs === null ? [] : cellsByGroup(table)
  return {
    groups: given.map(({ group }) => ({
      ...totals.groups[group]!,
      values: valuesOf(totals, group),
      buckets: (cells[group] ?? []).map((cell) => ({ startMs: table.cellStartMs[cell]!, values: valuesOf(table, cell) })),
    })),
    groupCount: ranked.length,
    isPruned: table.isPruned,
    errors: places.map(({ measure }) => Math.max(0, ...given.map(({ group }) => errorOf(totals.states[measure], group)))),
  }
}

/** The same groups without buckets, cell i being group i. Where nothing makes groups there is always one, even of no rows. */
function totalsOf(plan: StatsPlan, table: StatsTable): OpenTable {
  const totals = createTable(measuresOf(plan.functions))
  if (plan.by.length === 0) findCell(totals, [], 0)
  addTable(totals, { ...table, cellStartMs: table.cellStartMs.map(() => 0) })
  return totals
}

/** The cells of each group, by time. */
function cellsByGroup({ cellGroups, cellStartMs, groups }: StatsTable): number[][] {
  const cells: number[][] = groups.map(() => [])
  for (const [cell, group] of cellGroups.entries()) cells[group]!.push(cell)
  return cells.map((each) => each.sort((a, b) => cellStartMs[a]! - cellStartMs[b]!))
}

function compareValues(a: StatsValue, b: StatsValue, isDescending: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  const order = a < b ? -1 : Number(a > b)
  return isDescending ? -order : order
}

function valueOf(each: StatsFunction, state: MeasureState | undefined, table: StatsTable, cell: number): StatsValue {
  switch (state?.kind) {
    case undefined:
      return table.cellRows[cell]!
    case 'present':
      return state.counts[cell]!
    case 'sum': {
      if (state.counts[cell] === 0) return null
      const sum = state.sums[cell]! + state.errors[cell]!
      return finite(each.name === 'avg' ? sum / state.counts[cell]! : sum)
    }
    case 'range':
      return finite(each.name === 'min' ? state.least[cell]! : state.most[cell]!)
    case 'distinct':
      return countOfDistinct(state.cells[cell]!)
    case 'quantiles': {
      const sketch = state.cells[cell]!
      return sketch.count === 0 || each.name !== 'percentile' ? null : quantileOf(sketch, each.percentile / 100)
    }
  }
}

function errorOf(state: MeasureState | undefined, cell: number): number {
  if (state?.kind === 'quantiles') return errorOfSketch(state.cells[cell]!)
  return state?.kind === 'distinct' && !isExactDistinct(state.cells[cell]!) ? distinctError : 0
}

function finite(value: number | bigint): StatsValue {
  return typeof value === 'bigint' || Number.isFinite(value) ? value : null
}
