import type { Bitmap } from '../bitmap.ts'
import type { Block, SystemColumn } from '../block/types.ts'
import type { Field } from './ast.ts'

/**
 * One aggregating operation at work: the matching rows of block after block go in, from hot storage or from segments, and
 * plain data comes out that merges with that of other shards and invocations.
 */
export interface Aggregate<R> {
  /** Fields whose columns `add` reads, so that they can be fetched first; null: no values, but which rows have which attribute. */
  readonly fields: readonly (Field | { system: SystemColumn })[] | null
  /** Adds the rows that match, at least one, of a block of this shard. */
  add(block: Block, found: Bitmap, shard: number): void
  /**
   * Adds all rows of the severities in `mask` (bit i is severity i) of a block, or of a whole segment, of which every row is
   * visible. False, and nothing added, when these counts do not say enough and the block must be opened.
   */
  addCounts?(counts: RowCounts, mask: number): boolean
  /** Work beside reading so far, as the bytes whose decompression takes as long: about 500 a microsecond. */
  worked?(): number
  result(): R
}

/** What a block's or a segment's metadata tells of its rows. */
export interface RowCounts {
  minMs: number
  maxMs: number
  severityCounts: readonly number[]
}
