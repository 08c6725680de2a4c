import { queryBudgetBytes } from '../core/limits.ts'
import type { TenantCtx } from '../db/context.ts'
import { mergeFacets } from '../engine/query/merge.ts'
import { checkQuery } from './query_text.ts'
import type { FacetsInput } from './schema.ts'
import { askAll, shardsOf } from './shards.ts'
import { statsOf } from './stats.ts'
import { parseRange } from './time_range.ts'

/** The most frequent values of each field among the logs that match. */
export async function facetsOfLogs(ctx: TenantCtx, input: FacetsInput) {
  const { q, fields, limit } = input
  const startedMs = ctx.now()
  checkQuery(q)
  const range = parseRange(input.from, input.to, startedMs)
  const shards = await shardsOf(ctx)
  const replies = await askAll(ctx, shards, ({ rpc, identity }) => {
    return rpc.facets({ identity, q, range, fields, limit, budgetBytes: queryBudgetBytes })
  })
  const merged = mergeFacets(replies, fields, limit)
  return { facets: merged.facets, partial: merged.budgetEnded, stats: statsOf(shards.length, merged.cost, ctx.now() - startedMs) }
}
