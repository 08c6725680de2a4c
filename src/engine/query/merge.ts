import { damagedMax } from '../../core/limits.ts'
import { noCost } from './cost.ts'
import { topValues } from './facets.ts'
import { compareInOrder, positionOf } from './position.ts'
import type { Counted, Damage, Facets, Histogram, Order, PlacedRow, Position, QueryCost, Scanned, SearchRows } from './types.ts'

/** A page over all shards; its frontier is as in `SearchRows`. */
export interface MergedRows<R extends PlacedRow> {
  rows: { shard: number; row: R }[]
  frontier: Position | null
}

/** One page of several pages of the same search: no row behind the frontier that comes first. */
export function mergeRows<R extends PlacedRow>(parts: readonly MergedRows<R>[], order: Order, limit: number): MergedRows<R> {
  const compare = (a: Position, b: Position) => compareInOrder(order, a, b)
  const known = firstPosition(
    parts.map(({ frontier }) => frontier),
    order,
  )
  const found = parts
    .flatMap(({ rows }) => rows.map((each) => ({ each, position: positionOf(each.row, each.shard) })))
    .filter(({ position }) => known === null || compare(position, known) <= 0)
    .sort((a, b) => compare(a.position, b.position))
  const rows = found.slice(0, limit)
  const frontier = found.length > limit ? (rows.at(-1)?.position ?? null) : known
  return { rows: rows.map(({ each }) => each), frontier }
}

/** The rows of one shard as a part of a page over all. */
export function rowsOfShard<R extends PlacedRow>(shard: number, { rows, frontier }: SearchRows<R>): MergedRows<R> {
  return { rows: rows.map((row) => ({ shard, row })), frontier }
}

/** The position that comes first in the asked order; null when there is none. */
function firstPosition(positions: readonly (Position | null | undefined)[], order: Order): Position | null {
  let first: Position | null = null
  for (const position of positions) if (position && (first === null || compareInOrder(order, position, first) < 0)) first = position
  return first
}

export function mergeCounts(results: readonly Counted[]): Counted {
  return { count: results.reduce((sum, { count }) => sum + count, 0) }
}

export function mergeHistograms(results: readonly Histogram[]): Histogram {
  const buckets = new Map<number, number[]>()
  for (const { startMs, counts } of results.flatMap((result) => result.buckets)) {
    const sum = buckets.get(startMs)
    buckets.set(startMs, sum === undefined ? counts.slice() : sum.map((count, i) => count + (counts[i] ?? 0)))
  }
  return { buckets: Array.from(buckets, ([startMs, counts]) => ({ startMs, counts })).sort((a, b) => a.startMs - b.startMs) }
}

/** The facets in the order of `fields`, each with at most `limit` values. */
export function mergeFacets(results: readonly Facets[], { fields, limit }: { fields: readonly string[]; limit: number }): Facets {
  const facets = fields.map((field, i) => {
    const counts = new Map<string, number>()
    let total = 0
    let isCut = false
    for (const facet of results.flatMap((result) => result.facets[i] ?? [])) {
      for (const { value, count } of facet.values) counts.set(value, (counts.get(value) ?? 0) + count)
      total += facet.count
      isCut ||= facet.truncated
    }
    return topValues(field, counts, { total, isCut, limit })
  })
  return { facets }
}

/** How the results of several scans came about, together; of what is damaged the first `damagedMax`. */
export function mergeScans(scans: readonly Omit<Scanned<unknown>, 'result'>[]): Omit<Scanned<unknown>, 'result'> {
  const damaged = new Map<string, Damage>()
  for (const damage of scans.flatMap((scan) => scan.damaged)) {
    if (damaged.size < damagedMax) damaged.set(`${damage.segment} ${damage.reason}`, damage)
  }
  return {
    budgetEnded: scans.some(({ budgetEnded }) => budgetEnded),
    cost: mergeCosts(scans.map(({ cost }) => cost)),
    damaged: [...damaged.values()],
  }
}

export function mergeCosts(costs: readonly QueryCost[]): QueryCost {
  const sum = noCost()
  for (const cost of costs) for (const name of Object.keys(sum) as (keyof QueryCost)[]) sum[name] += cost[name]
  return sum
}
