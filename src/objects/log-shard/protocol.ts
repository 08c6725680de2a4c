import type { Erasure } from '../../engine/query/erasure.ts'
import type { TooSlow } from '../../engine/query/query_error.ts'
import type { Operation, PlacedRow, Results, Scanned, SearchRows, TimeRange } from '../../engine/query/types.ts'
import type { SegmentMeta } from '../../engine/segment/types.ts'
import type { AttributeValue, StoredRow } from '../../engine/row.ts'
import type { EncodedBlock } from '../../engine/block/types.ts'
import type { BatchUsage } from '../../core/usage.ts'
import type { AppendSettings, DayUsage, LeaseReply, LeaseRequest, QuotaExceeded } from './control/protocol_control.ts'
import type {
  EraseProgress,
  EraseRequest,
  ManifestPage,
  RetentionProgress,
  SealedPlaces,
  SealedRow,
  StartEraseReply,
  StorageState,
} from './protocol_storage.ts'

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
  usage: BatchUsage
  settings: AppendSettings
}

export type AppendReply =
  /** `busy`: the shard takes more than one should; another one for the region would help. */
  | { status: 'stored'; firstSeq: number; accepted: number; rejected: number; busy: boolean }
  /** What the first batch with the key was told; `createdMs` is when the Worker received that one. */
  | { status: 'replayed'; firstSeq: number; accepted: number; rejected: number; createdMs: number }
  /** The key was used within 24 hours for another body. */
  | { status: 'key_reused' }
  /** The shard holds all that it can; nothing was stored. `detail` is a sentence that says why and what to do. */
  | { status: 'shard_full'; detail: string }
  /** A retry under this key went to another shard, which may have stored it meanwhile. Nothing was stored here. */
  | { status: 'key_moved' }
  | QuotaExceeded

export interface QueryCall {
  identity: ShardIdentity
  q: string
  range: TimeRange
  /** Undefined on the first page: the shard answers with its present one. */
  maxSeq?: number | undefined
  /** Rows that were received earlier have expired; 0 keeps all. */
  keepFromMs: number
  budgetBytes: number
  operation: Operation
  /** The rows of a search as lines of NDJSON. */
  lines?: boolean | undefined
}

/** A row as one line of NDJSON, the place of the row beside it: an object of each row would cost an export far more to carry over. */
export interface LineRow extends PlacedRow {
  line: string
}

/**
 * What the shard itself holds, its hot blocks and edited rows, and what the caller needs to add its sealed segments: all of
 * one moment, so that each row is either in the result or in one of the segments. The result is that of the operation's kind.
 */
export interface QueryReply extends Scanned<Results[keyof Results] | SearchRows<LineRow>> {
  /** The snapshot that was seen: that of the call, or the newest row. */
  maxSeq: number
  /** Sealed segments that may hold rows of the range and snapshot. */
  segments: SegmentMeta[]
  /** Sequence numbers of rows in those segments that were edited or deleted since, ascending. */
  hidden: readonly number[]
  erasures: Erasure[]
}

/** The stored block of a row failed its checks. The shard says which, and gives no answer rather than a wrong one. */
export interface Damaged {
  damaged: string
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
  /** The row is sealed: find it there and call again with it. Also the answer when it was rewritten meanwhile. */
  | SealedPlaces
  | Damaged

export type DeleteReply = { status: 'deleted' | 'missing' | 'too_many_patches' } | SealedPlaces

/**
 * A block on its way to LiveTail: row i has seq meta.firstSeq + i. Rows that were edited since carry their present
 * content; deleted ones are blank and listed in `hidden` (pass it on in `BlockSource`): they must not be shown.
 */
export interface TailBlock extends EncodedBlock {
  hidden?: readonly number[] | undefined
}

/** A piece of what a tail that resumes has missed. */
export interface TailRead {
  blocks: TailBlock[]
  /** The newest sequence number of the shard. */
  lastSeq: number
  /** Set, without any block, where too much would have to be read back from segments: go on after this row. */
  skipTo?: number | undefined
}

/** What LogShard offers over RPC; the Durable Object class implements this. */
export interface LogShardRpc {
  append(request: AppendRequest): Promise<AppendReply>
  query(call: QueryCall): Promise<QueryReply | TooSlow>
  /** Smallest and greatest event time that the shard holds (milliseconds, inclusive), null when it is empty. */
  extent(identity: ShardIdentity): Promise<{ extent: { minMs: number; maxMs: number } | null; maxSeq: number }>
  /** Null when there is no such row, or it was deleted. */
  getRow(identity: ShardIdentity, seq: number): Promise<{ row: StoredRow | null } | SealedPlaces | Damaged>
  /** Replaces or merges the row's content in one step; its id and time of receipt stay. A sealed row comes as `sealed`. */
  changeRow(identity: ShardIdentity, seq: number, change: RowChange, sealed?: SealedRow): Promise<ChangeReply>
  deleteRow(identity: ShardIdentity, seq: number, sealed?: SealedRow): Promise<DeleteReply>
  /** Starts delivery to LiveTail and answers the newest sequence number at that moment. */
  watch(identity: ShardIdentity): Promise<{ lastSeq: number }>
  /**
   * Whole blocks that hold rows with seq > afterSeq, ascending, at most about `bytesMax`; none when afterSeq is the
   * newest. Sealed rows are read back from their segments. Rows received before `keepFromMs` (0: none) have expired.
   */
  blocksAfter(identity: ShardIdentity, afterSeq: number, bytesMax: number, keepFromMs: number): Promise<TailRead>
  /** Operations with a greater number, at most `limit` (1 to `manifestPageMax`). */
  manifest(identity: ShardIdentity, page: { afterNumber: number; limit: number }): Promise<ManifestPage>
  /** All sealed segments, and what is hot. */
  segments(identity: ShardIdentity): Promise<StorageState>
  /** Makes the rows that match invisible, durably, before it answers; they are removed in the background. */
  startErase(identity: ShardIdentity, request: EraseRequest): Promise<StartEraseReply>
  eraseProgress(identity: ShardIdentity, id: string): Promise<EraseProgress>
  /** Rows received before `keepFromMs` (0: none) are removed in the background; `version` is that of the settings that say so. */
  applyRetention(identity: ShardIdentity, keepFromMs: number, version: number): Promise<RetentionProgress>
  /** Seals all hot rows and runs jobs until none is due; rejects when one fails. */
  sealNow(identity: ShardIdentity): Promise<StorageState>
  /** Counts a batch of which nothing was sent here, since none of it can be kept; written lazily, within `usageFlushMs`. */
  countRefused(identity: ShardIdentity, usage: BatchUsage): Promise<void>
  /** What the shard received, stored and rejected on each day, both included; days without anything are left out. */
  usage(identity: ShardIdentity, fromDay: number, toDay: number): Promise<DayUsage[]>
  /** Asks the organization's ledger, which is its first shard, what another shard may store. */
  lease(identity: ShardIdentity, request: LeaseRequest): Promise<LeaseReply>
  /** Whether a batch was stored here under this key; if not, none will be for a while, so that it can go to another shard. */
  knowsKey(identity: ShardIdentity, keyHash: string): Promise<{ known: boolean }>
  ping(): Promise<{ lastSeq: number }>
}

/** What LiveTail offers over RPC; its WebSockets come in through fetch(). */
export interface LiveTailRpc {
  /** Blocks in shard order. `watching: false` ends delivery until the next `LogShard.watch`. */
  deliver(identity: ShardIdentity, blocks: TailBlock[]): Promise<{ watching: boolean }>
}
