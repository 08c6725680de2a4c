import { facetDistinctMax, facetMergeValues } from '../../core/limits.ts'
import type { Aggregate } from './aggregate.ts'
import { countValues } from './facet_values.ts'
import { resolveField } from './fields.ts'
import type { Facets } from './types.ts'

/** Counts of one field while blocks are read. */
interface Tally {
  counts: Map<string, number>
  /** Rows that have the field. */
  total: number
  /** The rarest values were dropped on the way. */
  isCut: boolean
}

/**
 * The most frequent values of each field (named as in a query) among the matching rows. Gives more than `limit` values
 * where there are, so that merging the answers of several shards finds the true first ones.
 */
export function createFacets({ fields: names, limit }: { fields: readonly string[]; limit: number }): Aggregate<Facets> {
  const fields = names.map(resolveField)
  const tallies = names.map((): Tally => ({ counts: new Map(), total: 0, isCut: false }))
  return {
    fields,
    add(block, found) {
      for (const [i, field] of fields.entries()) {
        const tally = tallies[i]!
        tally.total += countValues(block, field, found, tally.counts)
        if (tally.counts.size > 2 * facetDistinctMax) dropRarest(tally)
      }
    },
    result: () => ({
      facets: tallies.map(({ counts, total, isCut }, i) => topValues(names[i]!, counts, { total, isCut, limit: limit + facetMergeValues })),
    }),
  }
}

/** The first `limit` values, most frequent first, ties by value (UTF-16 code units). */
export function topValues(
  field: string,
  counts: ReadonlyMap<string, number>,
  { total, isCut, limit }: { total: number; isCut: boolean; limit: number },
): Facets['facets'][number] {
  const values = Array.from(counts, ([value, count]) => ({ value, count })).sort(
    (a, b) => b.count - a.count || (a.value < b.value ? -1 : 1),
  )
  return { field, values: values.slice(0, limit), count: total, truncated: isCut || values.length > limit }
}

function dropRarest(tally: Tally): void {
  const entries = Array.from(tally.counts).sort(([, a], [, b]) => b - a)
  tally.counts = new Map(entries.slice(0, facetDistinctMax))
  tally.isCut = true
}
