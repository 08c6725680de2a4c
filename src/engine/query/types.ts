import type { Block, BlockMeta, ReadCost } from '../block/types.ts'
import type { StoredRow } from '../row.ts'
import type { Filter } from './ast.ts'
import type { FieldTable } from './fields_present.ts'
import type { PatternPlan } from './patterns.ts'
import type { PatternTable } from './patterns_table.ts'
import type { StatsPlan, StatsTable } from './stats_types.ts'

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
  /** Smallest time of receipt; undefined where only the block itself knows. */
  minCreatedMs?: number | undefined
  /** Sequence numbers in this block that must not be seen (patched or deleted rows); sorted, usually undefined. */
  hidden?: readonly number[] | undefined
}

/** Half-open range of event time in milliseconds: fromMs <= t < toMs. */
export interface TimeRange {
  fromMs: number
  toMs: number
}

/** What a query has cost; summed over shards and segments. Every answer carries it. */
export interface QueryCost {
  /** Sealed segments in the range, and those of which more than the index was read. */
  segmentsConsidered: number
  segmentsRead: number
  blocksConsidered: number
  blocksSkipped: number
  blocksRead: number
  bytesConsidered: number
  bytesRead: number
  bytesDecompressed: number
  /** Reads of objects in R2, each billed and each a round trip, and the bytes that came. */
  objectReads: number
  objectBytes: number
  rowsMatched: number
}

/** An erasure (see erasure.ts) with its query parsed. */
export interface ErasureFilter {
  filter: Filter
  range: TimeRange
  maxSeq: number
  createdMs: number
}

/** Which rows of a shard a query may see, beside those that are hidden one by one. */
export interface View {
  range: TimeRange
  /** Rows with a greater sequence number are not part of the snapshot that the query (and its cursor) sees. */
  maxSeq: number
  /** Rows that were received earlier have expired; 0 keeps all. */
  keepFromMs: number
  erasures: readonly ErasureFilter[]
}

export interface Scope extends View {
  shard: number
  /** Work ends (partial) once this many raw bytes were decompressed, or other work took as long. */
  budgetBytes: number
}

/** What a query computes over the rows that match: plain data that crosses an isolate. */
export type Operation = SearchOperation | AggregateOperation

export interface SearchOperation {
  kind: 'search'
  order: Order
  /** At least 1. */
  limit: number
  /** Only rows behind this place, in the asked order. */
  after?: Position | undefined
  /** Rows behind this place are not needed: the search ends there, with a frontier, when there may be more. */
  until?: Position | undefined
}

/** Operations that fold all matching rows into one result; operations.ts has the code of each. */
export type AggregateOperation =
  | { kind: 'count' }
  /** `bucketMs` is a positive integer; the caller bounds the number of buckets. */
  | { kind: 'histogram'; bucketMs: number }
  /** Fields are named as in a query. */
  | { kind: 'facets'; fields: readonly string[]; limit: number }
  | { kind: 'stats'; plan: StatsPlan }
  | { kind: 'patterns'; plan: PatternPlan }
  /** Which attributes the rows have. */
  | { kind: 'fields' }

/** The result of each operation by its kind: plain data that merges with that of other shards and segments. */
export interface Results {
  search: SearchRows
  count: Counted
  histogram: Histogram
  facets: Facets
  stats: StatsTable
  patterns: PatternTable
  fields: FieldTable
}

export type ResultOf<O extends Operation> = Results[O['kind']]

/** A result with how it came about. */
export interface Scanned<R> {
  result: R
  /** The budget ended before everything was looked at: counts are lower bounds, and a search has a frontier. */
  budgetEnded: boolean
  cost: QueryCost
  /** What could not be read, and is therefore not in the result. */
  damaged: Damage[]
}

export interface Damage {
  /** R2 key of the segment; for a hot block `blockName`, which the Worker puts its shard in front of. */
  segment: string
  /** What is wrong, and where in it. */
  reason: string
}

export interface SearchRows<R extends PlacedRow = StoredRow> {
  /** In the asked order, at most `limit`. */
  rows: R[]
  /**
   * Every matching row at or before this position (in the asked order) is in `rows`; null when that is all there
   * are. Set when `limit` cut the answer or when the budget ended.
   */
  frontier: Position | null
}

export interface Counted {
  count: number
}

export interface Histogram {
  /** Bucket start (ms, a multiple of bucketMs) and the count of each severity, ascending; empty buckets are absent. */
  buckets: { startMs: number; counts: number[] }[]
}

export interface Facets {
  facets: {
    field: string
    /** Most frequent first, ties by value; numbers and booleans as text. */
    values: { value: string; count: number }[]
    /** Rows that match and have the field. */
    count: number
    /** True when there were more distinct values than are given here, so counts of rare ones may be low. */
    truncated: boolean
  }[]
}
