import type { ObjectStore } from '../../../core/object_store.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { StoredErasure } from '../erasures.ts'
import type { ShardIdentity } from '../protocol.ts'
import type { ShardState } from '../state.ts'
import type { SegmentEntry } from '../store_storage.ts'
import type { Fitting } from './fitting.ts'
import type { AbsentRows } from './view.ts'

/** One piece of the shard's background work; few seconds of CPU, and safe to be killed at any await and begun again. */
export type Job =
  | { kind: 'usage' }
  | { kind: 'seal' }
  | { kind: 'erase'; id: string; segment: SegmentMeta | null }
  | { kind: 'retention'; drop: SegmentMeta[]; rewrite: SegmentMeta | null }
  | { kind: 'fold'; segment: SegmentMeta }
  | { kind: 'merge'; segments: SegmentMeta[] }
  | { kind: 'garbage' }

export type JobKind = Job['kind']

/** A job and when it is due. */
export interface Due {
  atMs: number
  job: Job
}

/** When hot blocks are sealed. */
export interface SealLimits {
  sealBytes: number
  sealAgeMs: number
}

/** What decides which job is due; plain data, so that the decision is a pure function. */
export interface JobView {
  nowMs: number
  limits: SealLimits
  sealedSeq: number
  /** Hot rows up to here are to be sealed whatever their age. */
  sealThroughSeq: number
  hot: { rows: number; bytes: number }
  /** When the oldest hot block was stored; null when there is none. */
  oldestHotMs: number | null
  /** A generation that takes no more blocks holds hot rows: sealing it has begun. */
  isSealing: boolean
  /** Present segments that no job found damaged. */
  segments: readonly SegmentEntry[]
  damagedSegments: readonly SegmentMeta[]
  /** Rows that may be in this segment and have a patch, ascending. */
  patchedIn(segment: SegmentMeta): readonly PatchedRow[]
  /** Patches of all rows, as a share of what one shard may have: 0 to 1. */
  patchShare: number
  erasures: readonly StoredErasure[]
  /** Hot blocks may hold rows of this erasure. */
  isHot(erasure: StoredErasure): boolean
  /** Parts that no job can look at, and that may hold rows of the erasure. */
  damagedPartsOf(erasure: StoredErasure): number
  /** Rows received before have expired. */
  keepFromMs: number
  /** When the oldest damaged block was stored. */
  oldestDamagedBlockMs: number | null
  garbageDueMs: number | null
  usageDueMs: number | null
  /** Kinds that failed are not tried before this. */
  retryMs: ReadonlyMap<JobKind, number>
}

export interface PatchedRow {
  seq: number
  changedMs: number
}

/** What a job works with. */
export interface JobContext {
  state: ShardState
  objects: ObjectStore
  limits: SealLimits
  absent: AbsentRows
  /** How many inputs seals and merges take. */
  fitting: { seal: Fitting; merge: Fitting }
  identity(): ShardIdentity
  now(): number
  /** Lets other calls run between two slices. */
  yield(): Promise<void>
  log(level: 'warning' | 'error', message: string, attributes: Record<string, unknown>): void
}
