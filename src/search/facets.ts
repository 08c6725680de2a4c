import type { TenantCtx } from '../db/context.ts'
import { aggregateLogs } from './aggregate.ts'
import type { QueryRun } from './query_run.ts'
import { queryRun } from './query_run.ts'
import { checkQuery } from './query_text.ts'
import type { FacetsInput } from './schema.ts'
import { footOf } from './stats.ts'
import { parseRange } from './time_range.ts'

/** The most frequent values of each field among the logs that match. */
export async function facetsOfLogs(ctx: TenantCtx, { q, fields, limit, from, to }: FacetsInput, run?: QueryRun) {
  const startedMs = ctx.now()
  checkQuery(q)
  const range = parseRange(from, to, startedMs)
  const { shards, deps } = run ?? (await queryRun(ctx))
  const scanned = await aggregateLogs(deps, shards, { q, range }, { kind: 'facets', fields, limit })
  const { facets } = scanned.result
  return { facets, ...footOf(ctx, shards, scanned, startedMs) }
}
