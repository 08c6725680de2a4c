import { parseQuery } from './parser.ts'
import type { ErasureFilter, TimeRange } from './types.ts'

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

/** The same with their queries parsed, in the same order. Throws QueryError. */
export function erasureFilters(erasures: readonly Erasure[]): ErasureFilter[] {
  return erasures.map(({ q, range, maxSeq, createdMs }) => ({ filter: parseQuery(q), range, maxSeq, createdMs }))
}
