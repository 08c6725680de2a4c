import type {
  CountResult,
  FacetResult,
  HistogramResult,
  Order,
  PlacedRow,
  Position,
  SearchResult,
  TimeRange,
} from '../../engine/query/types.ts'
import type { AttributeValue, StoredRow } from '../../engine/row.ts'
import type { EncodedBlock } from '../../engine/block/types.ts'

/** RPC between Worker, LogShard and LiveTail. All of it crosses an isolate: plain data only. */

/** Identity of a shard, given with every call so that a new object learns who it is on first contact. */
export interface ShardIdentity {
  organizationId: string
  region: string
  /** Number of the shard within its organization (log_shards.number), part of every log id. */
  shard: number
}

export interface AppendRequest {
  identity: ShardIdentity
  blocks: EncodedBlock[]
  /** SHA-256 (hex) of the Idempotency-Key, and of the decompressed body, when the producer sent a key. */
  idempotency?: { keyHash: string; bodyHash: string; rejected: number } | undefined
}

export type AppendReply =
  | { status: 'stored'; firstSeq: number; accepted: number; rejected: number }
  /** What the first batch with the key was told; `createdMs` is when the Worker received that one. */
  | { status: 'replayed'; firstSeq: number; accepted: number; rejected: number; createdMs: number }
  /** The key was used within 24 hours for another body. */
  | { status: 'key_reused' }
  /** The shard holds `shardBlocksMax` blocks; nothing was stored. */
  | { status: 'shard_full' }

export interface QueryScope {
  identity: ShardIdentity
  q: string
  range: TimeRange
  /** Undefined on the first page: the shard answers with its present one. */
  maxSeq?: number | undefined
  budgetBytes: number
}

export interface SearchCall extends QueryScope {
  order: Order
  limit: number
  after?: Position | undefined
}

/** A row as one line of NDJSON, the place of the row beside it. */
export interface LineRow extends PlacedRow {
  line: string
}

export interface HistogramCall extends QueryScope {
  bucketMs: number
}

export interface FacetsCall extends QueryScope {
  fields: string[]
  limit: number
}

/** Every query reply names the snapshot it saw. */
export type Snapshot<T> = T & { maxSeq: number }

/** A stored block failed its checks. The shard says which, and gives no answer rather than a wrong one. */
export interface Damaged {
  damaged: string
}

/** The query takes too much time on a block; a sentence for the person who asked. */
export interface TooSlow {
  tooSlow: string
}

/** Why a query has no answer. */
export type Unanswered = Damaged | TooSlow

/** New content for one row; what is undefined stays as it is. */
export interface RowChange {
  timestampMs?: number | undefined
  timestampNs?: number | undefined
  severity?: number | undefined
  source?: string | undefined
  message?: string | undefined
  /** `replace` drops all the attributes that are not named; null removes one. */
  attributes?: { replace: boolean; entries: [name: string, value: AttributeValue | null][] } | undefined
}

export type ChangeReply =
  | { status: 'changed'; row: StoredRow }
  /** No such row, or it was deleted. */
  | { status: 'missing' }
  | { status: 'too_many_patches' }
  /** The row would pass a limit of one record; `detail` names it. */
  | { status: 'too_large'; detail: string }
  | Damaged

/**
 * A block on its way to LiveTail: row i has seq meta.firstSeq + i. Rows that were edited since carry their present
 * content; deleted ones are blank and listed in `hidden` (pass it on in `BlockSource`): they must not be shown.
 */
export interface TailBlock extends EncodedBlock {
  hidden?: readonly number[] | undefined
}

/** What LogShard offers over RPC; the Durable Object class implements this. */
export interface LogShardRpc {
  append(request: AppendRequest): Promise<AppendReply>
  search(call: SearchCall): Promise<Snapshot<SearchResult> | Unanswered>
  /** The same page as lines: an object of each row would cost more to carry over than all else that an export does. */
  searchLines(call: SearchCall): Promise<Snapshot<SearchResult<LineRow>> | Unanswered>
  count(call: QueryScope): Promise<Snapshot<CountResult> | Unanswered>
  histogram(call: HistogramCall): Promise<Snapshot<HistogramResult> | Unanswered>
  facets(call: FacetsCall): Promise<Snapshot<FacetResult> | Unanswered>
  /** Smallest and greatest event time that the shard holds (milliseconds, inclusive), null when it is empty. */
  extent(identity: ShardIdentity): Promise<Snapshot<{ extent: { minMs: number; maxMs: number } | null }>>
  /** Null when there is no such row, or it was deleted. */
  getRow(identity: ShardIdentity, seq: number): Promise<{ row: StoredRow | null } | Damaged>
  /** Replaces or merges the row's content in one step; its id and time of receipt stay. */
  changeRow(identity: ShardIdentity, seq: number, change: RowChange): Promise<ChangeReply>
  deleteRow(identity: ShardIdentity, seq: number): Promise<{ status: 'deleted' | 'missing' | 'too_many_patches' }>
  /** Starts delivery to LiveTail and answers the newest sequence number at that moment. */
  watch(identity: ShardIdentity): Promise<{ lastSeq: number }>
  /**
   * Whole blocks that hold rows with seq > afterSeq, ascending, at most about `bytesMax`; none when afterSeq is the
   * newest. `lastSeq` is the newest sequence number of the shard.
   */
  blocksAfter(identity: ShardIdentity, afterSeq: number, bytesMax: number): Promise<{ blocks: TailBlock[]; lastSeq: number }>
  ping(): Promise<{ lastSeq: number }>
}

/** What LiveTail offers over RPC; its WebSockets come in through fetch(). */
export interface LiveTailRpc {
  /** Blocks in shard order. `watching: false` ends delivery until the next `LogShard.watch`. */
  deliver(identity: ShardIdentity, blocks: TailBlock[]): Promise<{ watching: boolean }>
}
