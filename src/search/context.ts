import { queryBytesMax, timestampMsMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { TenantCtx } from '../db/context.ts'
import { logJson } from '../engine/log_json.ts'
import { mergeScans } from '../engine/query/merge.ts'
import { positionOf } from '../engine/query/position.ts'
import type { ContextInput } from './analytics_schema.ts'
import { findRow } from './get.ts'
import type { Page } from './pages.ts'
import { readPage } from './pages.ts'
import { queryDeps } from './query_deps.ts'
import { quoted } from './query_text.ts'
import { shardsOf } from './shards.ts'
import { footOf } from './stats.ts'

/** The logs of the same source right before and right after one log, in the order of all logs. */
export async function contextOfLog(ctx: TenantCtx, { id, before, after }: ContextInput) {
  const startedMs = ctx.now()
  const { shard, row } = await findRow(ctx, id)
  const q = `source:=${quoted(row.source)}`
  if (Buffer.byteLength(q) > queryBytesMax) throw problem('unprocessable', 'The source of this log is too long to look for its other logs.')
  const place = positionOf(row, shard.identity.shard)
  const deps = queryDeps(ctx)
  const shards = await shardsOf(ctx)
  const earlier = { q, range: { fromMs: 0, toMs: place.ms + 1 }, order: 'newest', after: place } as const
  const later = { q, range: { fromMs: place.ms, toMs: timestampMsMax }, order: 'oldest', after: place } as const
  const pages: Page[] = []
  const read = async (listing: typeof earlier | typeof later, limit: number) => {
    if (limit === 0) return []
    const page = await readPage(deps, shards, { ...listing, snapshot: pages[0]?.snapshot }, limit)
    pages.push(page)
    return page.rows.map((each) => logJson(each.row, each.shard))
  }
  const rowsBefore = await read(earlier, before)
  const rowsAfter = await read(later, after)
  return {
    before: rowsBefore.toReversed(),
    log: logJson(row, place.shard),
    after: rowsAfter,
    ...footOf(ctx, shards, mergeScans(pages), startedMs),
  }
}
