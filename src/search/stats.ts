import type * as z from 'zod'
import type { QueryCost } from '../engine/query/types.ts'
import type { statsSchema } from './schema.ts'

/** What a query has cost over all shards, as the API tells it. */
export function statsOf(shards: number, cost: QueryCost, elapsedMs: number): z.input<typeof statsSchema> {
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
