import type { Scanned, View } from '../query/types.ts'
import type { SegmentMeta } from './types.ts'

/** Sealed segments of one shard, and what of them a query may see. */
export interface ScanTarget {
  shard: number
  segments: readonly SegmentMeta[]
  view: View
  /** Sequence numbers of rows that are elsewhere now (edited) or nowhere (deleted), ascending. */
  hidden: readonly number[]
}

/** What a scan found. */
export interface SegmentScan<R> extends Scanned<R> {
  /** Keys of segments that were not there, so that what they hold is not in the result: ask the shard whether it still names them. */
  missing: string[]
}
