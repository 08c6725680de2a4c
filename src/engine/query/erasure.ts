import type { TimeRange } from './types.ts'

/**
 * Rows that a delete by query took out of sight at once, until a rewrite takes them out of storage: those with
 * seq <= maxSeq, within `range`, not edited after `createdMs`, that match `q`. Plain data.
 */
export interface Erasure {
  id: string
  q: string
  range: TimeRange
  maxSeq: number
  createdMs: number
}
