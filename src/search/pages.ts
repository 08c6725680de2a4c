import { queryBudgetBytes } from '../core/limits.ts'
import type { TenantCtx } from '../db/context.ts'
import { mergeSearches } from '../engine/query/merge.ts'
import type { Order, PlacedRow, Position, QueryCost, SearchResult, TimeRange } from '../engine/query/types.ts'
import type { StoredRow } from '../engine/row.ts'
import type { LineRow, LogShardRpc, SearchCall, Snapshot, Unanswered } from '../objects/log-shard/protocol.ts'
import type { PageState } from './cursor.ts'
import type { Shard } from './shards.ts'
import { askAll } from './shards.ts'

/** One listing: what it looks for, and, from its second page on, where that goes on and what it may see. */
export interface Listing {
  q: string
  range: TimeRange
  order: Order
  after?: Position | undefined
  snapshot?: ReadonlyMap<number, number> | undefined
}

export interface Page<R = StoredRow> {
  rows: { shard: number; row: R }[]
  /** The next page, or null when this is the last. */
  next: PageState | null
  /** Newest row that each shard could show, for the pages and counts that follow. */
  snapshot: ReadonlyMap<number, number>
  /** The budget ended before the page was full. */
  partial: boolean
  cost: QueryCost
}

/** One page of rows of all shards in one order. */
export function readPage(ctx: TenantCtx, shards: readonly Shard[], listing: Listing, limit: number): Promise<Page> {
  return readPageOf(ctx, shards, listing, limit, (rpc, call) => rpc.search(call))
}

/** The same page with its rows as lines of NDJSON. */
export function readLinePage(ctx: TenantCtx, shards: readonly Shard[], listing: Listing, limit: number): Promise<Page<LineRow>> {
  return readPageOf(ctx, shards, listing, limit, (rpc, call) => rpc.searchLines(call))
}

/** A shard that is not in the snapshot came later and is not asked. */
async function readPageOf<R extends PlacedRow>(
  ctx: TenantCtx,
  shards: readonly Shard[],
  listing: Listing,
  limit: number,
  search: (rpc: LogShardRpc, call: SearchCall) => Promise<Snapshot<SearchResult<R>> | Unanswered>,
): Promise<Page<R>> {
  const { q, range, order, after } = listing
  const asked = shards.filter(({ identity }) => listing.snapshot?.has(identity.shard) ?? true)
  const replies = await askAll(ctx, asked, async ({ rpc, identity }) => {
    return search(rpc, {
      identity,
      q,
      range,
      order,
      limit,
      after,
      maxSeq: listing.snapshot?.get(identity.shard),
      budgetBytes: queryBudgetBytes,
    })
  })
  const shardOf = (i: number) => asked[i]?.identity.shard ?? 0
  const merged = mergeSearches(
    replies.map((result, i) => ({ shard: shardOf(i), result })),
    order,
    limit,
  )
  const snapshot = listing.snapshot ?? new Map(replies.map(({ maxSeq }, i) => [shardOf(i), maxSeq]))
  const next = merged.frontier && { after: merged.frontier, range, snapshot }
  return { rows: merged.rows, next, snapshot, partial: merged.budgetEnded, cost: merged.cost }
}
