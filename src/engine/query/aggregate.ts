import type { Bitmap } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import type { Field } from './ast.ts'

/**
 * One aggregating operation at work: the matching rows of block after block go in, from hot storage or from segments, and
 * plain data comes out that merges with that of other shards and invocations.
 */
export interface Aggregate<R> {
  /** Fields whose columns `add` reads, so that they can be fetched first; null: it reads rows whole. */
  readonly fields: readonly Field[] | null
  /** Adds the rows that match. */
  add(block: Block, found: Bitmap): void
  result(): R
}
