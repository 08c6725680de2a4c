import { noCost } from './cost.ts'
import { topValues } from './facets.ts'
import { compareInOrder, positionOf } from './position.ts'
import type { CountResult, FacetResult, HistogramResult, Order, PlacedRow, Position, QueryCost, SearchResult } from './types.ts'

export interface MergedSearch<R extends PlacedRow> {
  rows: { shard: number; row: R }[]
  /** As in `SearchResult`, over all shards. */
  frontier: Position | null
  budgetEnded: boolean
  cost: QueryCost
}

/** One page of several shards' pages of the same search: no row behind the frontier that comes first. */
export function mergeSearches<R extends PlacedRow>(
  results: readonly { shard: number; result: SearchResult<R> }[],
  order: Order,
  limit: number,
): MergedSearch<R> {
  const compare = (a: Position, b: Position) => compareInOrder(order, a, b)
  const frontiers = results.flatMap(({ result }) => result.frontier ?? [])
  const known = frontiers.length === 0 ? null : frontiers.reduce((first, frontier) => (compare(frontier, first) < 0 ? frontier : first))
  const found = results
    .flatMap(({ shard, result }) => result.rows.map((row) => ({ shard, row, position: positionOf(row, shard) })))
    .filter(({ position }) => known === null || compare(position, known) <= 0)
    .sort((a, b) => compare(a.position, b.position))
  const rows = found.slice(0, limit)
  const frontier = found.length > limit ? (rows.at(-1)?.position ?? null) : known
  return { rows: rows.map(({ shard, row }) => ({ shard, row })), frontier, ...summed(results.map(({ result }) => result)) }
}

export function mergeCounts(results: readonly CountResult[]): CountResult {
  return { count: results.reduce((sum, { count }) => sum + count, 0), ...summed(results) }
}

export function mergeHistograms(results: readonly HistogramResult[]): HistogramResult {
  const buckets = new Map<number, number[]>()
  for (const { startMs, counts } of results.flatMap((result) => result.buckets)) {
    const sum = buckets.get(startMs)
    buckets.set(startMs, sum === undefined ? counts.slice() : sum.map((count, i) => count + (counts[i] ?? 0)))
  }
  const merged = Array.from(buckets, ([startMs, counts]) => ({ startMs, counts })).sort((a, b) => a.startMs - b.startMs)
  return { buckets: merged, ...summed(results) }
}

/** The facets in the order of `fields`, each with at most `limit` values. */
export function mergeFacets(results: readonly FacetResult[], fields: readonly string[], limit: number): FacetResult {
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
  return { facets, ...summed(results) }
}

function mergeCosts(costs: readonly QueryCost[]): QueryCost {
  const sum = noCost()
  for (const cost of costs) for (const name of Object.keys(sum) as (keyof QueryCost)[]) sum[name] += cost[name]
  return sum
}

function summed(results: readonly { budgetEnded: boolean; cost: QueryCost }[]): { budgetEnded: boolean; cost: QueryCost } {
  return { budgetEnded: results.some(({ budgetEnded }) => budgetEnded), cost: mergeCosts(results.map(({ cost }) => cost)) }
}
