import { facetDistinctMax, facetMergeValues } from '../../core/limits.ts'
import type { Filter } from './ast.ts'
import type { BlockList } from './block_list.ts'
import { createMeter } from './cost.ts'
import { mayContribute } from './count.ts'
import { evaluate } from './evaluate.ts'
import { countValues } from './facet_values.ts'
import { resolveField } from './fields.ts'
import { bitmapCount } from '../bitmap.ts'
import type { FacetResult, Scope } from './types.ts'

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
export function facetBlocks(sources: BlockList, filter: Filter, scope: Scope, fields: readonly string[], limit: number): FacetResult {
  const meter = createMeter(sources, filter, scope.budgetBytes)
  const tallies = fields.map((): Tally => ({ counts: new Map(), total: 0, isCut: false }))
  let budgetEnded = false
  for (const source of sources) {
    if (!mayContribute(source, filter, scope)) continue
    if (meter.isSpent()) {
      budgetEnded = true
      break
    }
    meter.read(source, (block) => {
      const found = evaluate(filter, block, scope.range, scope.maxSeq, source.hidden)
      const matched = bitmapCount(found)
      meter.cost.rowsMatched += matched
      if (matched === 0) return
      for (const [i, field] of fields.entries()) {
        const tally = tallies[i]!
        tally.total += countValues(block, resolveField(field), found, tally.counts)
        if (tally.counts.size > 2 * facetDistinctMax) dropRarest(tally)
      }
    })
  }
  const facets = tallies.map(({ counts, total, isCut }, i) =>
    topValues(fields[i]!, counts, { total, isCut, limit: limit + facetMergeValues }),
  )
  return { facets, budgetEnded, cost: meter.cost }
}

/** The first `limit` values, most frequent first, ties by value (UTF-16 code units). */
export function topValues(
  field: string,
  counts: ReadonlyMap<string, number>,
  { total, isCut, limit }: { total: number; isCut: boolean; limit: number },
): FacetResult['facets'][number] {
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
