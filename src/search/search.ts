import type { TenantCtx } from '../db/context.ts'
import { logJson } from '../engine/log_json.ts'
import { queryHints } from '../engine/query/hints.ts'
import { decodeCursor, encodeCursor, listingHash } from './cursor.ts'
import { readPage } from './pages.ts'
import type { QueryRun } from './query_run.ts'
import { queryRun } from './query_run.ts'
import { checkQuery } from './query_text.ts'
import type { SearchInput } from './schema.ts'
import { footOf } from './stats.ts'
import { parseRange } from './time_range.ts'

/** One page of the logs that match, and the cursor of the next. */
export async function searchLogs(ctx: TenantCtx, input: SearchInput, run?: QueryRun) {
  const { q, order, limit } = input
  const startedMs = ctx.now()
  checkQuery(q)
  const range = parseRange(input.from, input.to, startedMs)
  const hash = listingHash({ organizationId: ctx.tenant.organizationId, q, from: input.from ?? '', to: input.to ?? '', order })
  const resumed = input.cursor === undefined ? undefined : decodeCursor(input.cursor, hash)
  const { shards, deps } = run ?? (await queryRun(ctx))
  const hints = queryHints(q)
  const page = await readPage(deps, shards, { q, range, order, ...resumed }, limit)
  return {
    results: page.rows.map(({ shard, row }) => logJson(row, shard)),
    next: page.next && encodeCursor(page.next, hash),
    ...(hints.length > 0 && { hints }),
    ...footOf(ctx, shards, page, startedMs),
  }
}
