import type { Erasure } from '../../engine/query/erasure.ts'
import type { Damage, TimeRange } from '../../engine/query/types.ts'
import type { StoredRow } from '../../engine/row.ts'
import type { SegmentMeta } from '../../engine/segment/types.ts'

/** What the life cycle of stored rows says over RPC. Plain data only. */

/** Where a sealed row may be: read there by the Worker, which leaves out what an erasure matches. */
export interface SealedPlaces {
  status: 'sealed'
  /** Segments whose sequence numbers include the asked one; none holds it when it is gone. */
  segments: SegmentMeta[]
  erasures: Erasure[]
}

/** A sealed row as the Worker read it; valid as long as the shard's manifest still names the segment. */
export interface SealedRow {
  /** Key of the segment. */
  segment: string
  row: StoredRow
}

export type ManifestKind = 'seal' | 'merge' | 'fold' | 'retention' | 'erase'

/**
 * One change of the set of segments. Present segments are the fold of all operations. Rows are accounted for exactly:
 * those of `removed` (or the sealed range) are those of `added` and of `gone`.
 */
export interface ManifestOperation {
  /** From 1, without gaps. */
  number: number
  atMs: number
  kind: ManifestKind
  added: SegmentMeta[]
  removed: { key: string; rows: number }[]
  /** Sequence numbers that left the hot blocks, inclusive; null for all kinds but `seal`. */
  sealed: { fromSeq: number; toSeq: number } | null
  /** Rows that are in no segment: deleted one by one, past their retention, erased by query, or left in a damaged hot block. */
  gone: { deleted: number; expired: number; erased: number; damaged: number }
  /** Hash of the operation before; 64 zeros for the first one. */
  previousHash: string
  /** Hexadecimal SHA-256 of the operation without this field, as JSON with keys in alphabetical order and no white space. */
  hash: string
}

export interface ManifestPage {
  /** Operations with greater numbers than asked, ascending. Old ones whose segments are all gone may have been pruned. */
  operations: ManifestOperation[]
  /** Number and hash of the newest operation; 0 and 64 zeros when there is none. */
  last: { number: number; hash: string }
  /** The newest operation that was pruned; number 0 and 64 zeros when none was. The first kept one follows it. */
  anchor: { number: number; hash: string }
}

/** What the shard stores, in one moment. */
export interface StorageState {
  segments: SegmentMeta[]
  /** Rows up to here have left the hot blocks. */
  sealedSeq: number
  lastSeq: number
  hot: { blocks: number; rows: number; bytes: number }
  /** Segments and hot blocks (`blockName`) that a job found damaged and leaves as they are. */
  damaged: Damage[]
  /** Keys of segments that may still hold rows that an erasure hides. */
  erasing: string[]
  manifest: { number: number; hash: string }
}

export interface EraseRequest {
  /** Repeating a request under the same id starts nothing new. */
  id: string
  q: string
  range: TimeRange
}

export type StartEraseReply =
  | { status: 'started'; maxSeq: number }
  /** `erasuresPerShardMax` are at work. */
  | { status: 'too_many_erasures' }

export type EraseProgress =
  /** The rows are invisible already; `segmentsLeft` are still to be looked at. */
  | { status: 'running'; erased: number; segmentsLeft: number }
  /** `damaged` parts could not be looked at: what they hold stays invisible, and stored. */
  | { status: 'done'; erased: number; damaged: number }
  /** The query takes too much time on some block; rows erased before that are gone, others visible again. */
  | { status: 'failed'; erased: number; reason: string }
  | { status: 'unknown' }

export interface RetentionProgress {
  /** Rows that retention has removed from this shard so far, ever. */
  removedRows: number
  /** More work is due; it goes on by itself. */
  pending: boolean
}
