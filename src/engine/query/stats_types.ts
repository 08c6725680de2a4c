import type { Sketch } from './ddsketch.ts'
import type { Distinct } from './hyperloglog.ts'

/** One function of a statistics query. `field` is named as in a query. */
export type StatsFunction = { text: string } & (
  | { name: 'count'; field: string | null }
  | { name: 'count_distinct' | 'sum' | 'avg' | 'min' | 'max'; field: string }
  /** `percentile` lies between 0 and 100. */
  | { name: 'percentile'; field: string; percentile: number }
)

/** What to compute; plain data. Cells are groups, or with `bucketMs` the time buckets of groups. */
export interface StatsPlan {
  functions: readonly StatsFunction[]
  /** Fields whose values make the groups, named as in a query; none: all rows are one group. */
  by: readonly string[]
  /** Length of a time bucket, a positive integer; the caller bounds how many there are. Null: no buckets. */
  bucketMs: number | null
}

/** Value of a `by` field as text; null for rows that have not the field. */
export type GroupKey = readonly (string | null)[]

/** Statistics of some of the rows, mergeable with those of the others. */
export interface StatsTable {
  groups: { key: GroupKey; isComplete: boolean }[]
  /** Of each cell: index of its group, start of its bucket (0 without buckets), number of its rows. */
  cellGroups: number[]
  cellStartMs: number[]
  cellRows: number[]
  /** For each of `measuresOf(plan)`: the state of each cell. */
  states: MeasureState[]
  /** Groups were dropped since there were more than fit; a group that came (again) later has `isComplete: false`. */
  isPruned: boolean
}

/** State of one measure; entry i is that of cell i. */
export type MeasureState =
  | { kind: 'present'; counts: number[] }
  /** The sum is sums[i] + errors[i], of counts[i] numbers. */
  | { kind: 'sum'; sums: number[]; errors: number[]; counts: number[] }
  /** Infinity and -Infinity where there is no number. */
  | { kind: 'range'; least: (number | bigint)[]; most: (number | bigint)[] }
  | { kind: 'distinct'; cells: Distinct[] }
  | { kind: 'quantiles'; cells: Sketch[] }
