import type * as z from 'zod'
import type { TenantCtx } from '../db/context.ts'
import type { QueryCost, Scanned } from '../engine/query/types.ts'
import { wholenessOf } from './damage.ts'
import type { statsSchema } from './schema.ts'
import type { Shard } from './shards.ts'

/** How an answer ends: how whole it is, and what it has cost since `startedMs`. */
export function footOf(
  ctx: TenantCtx,
  shards: readonly Shard[],
  scanned: Pick<Scanned<unknown>, 'budgetEnded' | 'damaged' | 'cost'>,
  startedMs: number,
) {
  return { ...wholenessOf(ctx, scanned), stats: statsOf(shards.length, scanned.cost, ctx.now() - startedMs) }
}

/** What a query has cost over all shards, as the API tells it. */
function statsOf(shards: number, cost: QueryCost, elapsedMs: number): z.input<typeof statsSchema> {
  return {
    shards,
    segments_considered: cost.segmentsConsidered,
    segments_read: cost.segmentsRead,
    blocks_considered: cost.blocksConsidered,
    blocks_skipped: cost.blocksSkipped,
    blocks_read: cost.blocksRead,
    bytes_considered: cost.bytesConsidered,
    bytes_read: cost.bytesRead,
    bytes_decompressed: cost.bytesDecompressed,
    object_reads: cost.objectReads,
    object_bytes: cost.objectBytes,
    rows_matched: cost.rowsMatched,
    elapsed_ms: elapsedMs,
  }
}
