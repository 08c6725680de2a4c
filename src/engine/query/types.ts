import type { Block, BlockMeta, ReadCost } from '../block/types.ts'
import type { StoredRow } from '../row.ts'

/** A place in the total order of an organization's rows: (ms, ns, shard, seq). */
export interface Position {
  ms: number
  ns: number
  shard: number
  seq: number
}

/** What of a row says its place within one shard. */
export type PlacedRow = Pick<StoredRow, 'timestampMs' | 'timestampNs' | 'seq'>

export type Order = 'newest' | 'oldest'

/** One block as an operation sees it; `open` is called only when `meta` cannot answer. */
export interface BlockSource {
  meta: BlockMeta
  /** `cost` is the operation's own; hand it to `openBlock` so that budget and statistics know what was read. */
  open(cost: ReadCost): Block
  /** Greatest sequence number when rows are not consecutive; undefined means `firstSeq + rows - 1`. */
  lastSeq?: number | undefined
  /** Sequence numbers in this block that must not be seen (patched or deleted rows); sorted, usually undefined. */
  hidden?: readonly number[] | undefined
}

/** Half-open range of event time in milliseconds: fromMs <= t < toMs. */
export interface TimeRange {
  fromMs: number
  toMs: number
}

/** What a query has cost; summed over shards. Every answer carries it. */
export interface QueryCost {
  blocksConsidered: number
  blocksSkipped: number
  blocksRead: number
  bytesConsidered: number
  bytesRead: number
  bytesDecompressed: number
  rowsMatched: number
}

/** Rows with seq > maxSeq are not part of the snapshot that the query (and its cursor) sees. */
export interface Scope {
  shard: number
  range: TimeRange
  maxSeq: number
  /** Work ends (partial) once this many raw bytes were decompressed, or other work took as long. */
  budgetBytes: number
}

export interface SearchResult<R extends PlacedRow = StoredRow> {
  /** In the asked order, at most `limit`. */
  rows: R[]
  /**
   * Every matching row at or before this position (in the asked order) is in `rows`; null when that is all there
   * are. Set when `limit` cut the answer or when the budget ended.
   */
  frontier: Position | null
  budgetEnded: boolean
  cost: QueryCost
}

export interface CountResult {
  count: number
  budgetEnded: boolean
  cost: QueryCost
}

export interface HistogramResult {
  /** Bucket start (ms, a multiple of bucketMs) and the count of each severity, ascending; empty buckets are absent. */
  buckets: { startMs: number; counts: number[] }[]
  budgetEnded: boolean
  cost: QueryCost
}

export interface FacetResult {
  facets: {
    field: string
    /** Most frequent first, ties by value; numbers and booleans as text. */
    values: { value: string; count: number }[]
    /** Rows that match and have the field. */
    count: number
    /** True when there were more distinct values than are given here, so counts of rare ones may be low. */
    truncated: boolean
  }[]
  budgetEnded: boolean
  cost: QueryCost
}
