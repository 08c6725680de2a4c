import type { TenantCtx } from '../db/context.ts'
import { aggregateLogs } from './aggregate.ts'
import { queryDeps } from './query_deps.ts'
import { checkQuery } from './query_text.ts'
import type { FacetsInput } from './schema.ts'
import { shardsOf } from './shards.ts'
import { footOf } from './stats.ts'
import { parseRange } from './time_range.ts'

/** The most frequent values of each field among the logs that match. */
export async function facetsOfLogs(ctx: TenantCtx, { q, fields, limit, from, to }: FacetsInput) {
  const startedMs = ctx.now()
  checkQuery(q)
  const range = parseRange(from, to, startedMs)
  const shards = await shardsOf(ctx)
  const scanned = await aggregateLogs(queryDeps(ctx), shards, { q, range }, { kind: 'facets', fields, limit })
  const { facets } = scanned.result
  return { facets, ...footOf(ctx, shards, scanned, startedMs) }
}
