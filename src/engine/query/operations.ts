import type { Aggregate } from './aggregate.ts'
import { createCount } from './count.ts'
import { createFacets } from './facets.ts'
import { createFields, mergeFields } from './fields_present.ts'
import { createHistogram } from './histogram.ts'
import { mergeCounts, mergeFacets, mergeHistograms, mergeScans } from './merge.ts'
import { createPatterns, mergePatterns } from './patterns.ts'
import { createStats, mergeStats } from './stats.ts'
import type { AggregateOperation, ResultOf, Results, Scanned } from './types.ts'

type OperationOf<K extends AggregateOperation['kind']> = Extract<AggregateOperation, { kind: K }>

/** One entry for each aggregating operation: how it folds rows, and how the results of shards and segments become one. */
const operations: {
  [K in AggregateOperation['kind']]: {
    start(operation: OperationOf<K>): Aggregate<Results[K]>
    merge(results: readonly Results[K][], operation: OperationOf<K>): Results[K]
  }
} = {
  count: { start: createCount, merge: mergeCounts },
  histogram: { start: createHistogram, merge: mergeHistograms },
  facets: { start: createFacets, merge: mergeFacets },
  stats: { start: ({ plan }) => createStats(plan), merge: (tables, { plan }) => mergeStats(plan, tables) },
  fields: { start: createFields, merge: mergeFields },
  patterns: { start: ({ plan }) => createPatterns(plan), merge: mergePatterns },
}

export function startAggregate<O extends AggregateOperation>(operation: O): Aggregate<ResultOf<O>> {
  return entryOf(operation).start(operation)
}

/** The answer over everything that was scanned: call it once, with the answers of all shards and segments. */
export function mergeAggregates<O extends AggregateOperation>(operation: O, scans: readonly Scanned<ResultOf<O>>[]): Scanned<ResultOf<O>> {
  const result = entryOf(operation).merge(
    scans.map((scan) => scan.result),
    operation,
  )
  return { result, ...mergeScans(scans) }
}

/**
 * Moves the result of the last scan into the first, so that many take no more memory than two. Facets wait for
 * `mergeAggregates`: merging them cuts them.
 */
export function combineScans<O extends AggregateOperation>(operation: O, scans: readonly Scanned<ResultOf<O>>[]): void {
  const [first] = scans
  const last = scans.at(-1)
  if (first === undefined || last === undefined || first === last || operation.kind === 'facets') return
  first.result = entryOf(operation).merge([first.result, last.result], operation)
  last.result = startAggregate(operation).result()
}

/** The entry of an operation's own kind, which the type system cannot follow through the table. */
function entryOf<O extends AggregateOperation>(operation: O) {
  return operations[operation.kind] as unknown as {
    start(operation: O): Aggregate<ResultOf<O>>
    merge(results: readonly ResultOf<O>[], operation: O): ResultOf<O>
  }
}
