import { patchBytesPerShardMax, patchesPerShardMax } from '../../../core/limits.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { Manifest } from '../manifest.ts'
import type { ShardState } from '../state.ts'
import type { SegmentEntry } from '../store_storage.ts'
import type { JobKind, JobView, PatchedRow, SealLimits } from './job.ts'

/** Patched rows that turned out not to be in a segment, although its range has their numbers: a segment never changes. */
export type AbsentRows = Map<string, Set<number>>

export interface ViewOptions {
  nowMs: number
  limits: SealLimits
  /** Hot rows up to here are to be sealed whatever their age. */
  sealThroughSeq: number
  retryMs: ReadonlyMap<JobKind, number>
  absent: AbsentRows
}

/** The state as the choice of the next job needs it. */
export function viewOf(state: ShardState, { nowMs, limits, sealThroughSeq, retryMs, absent }: ViewOptions): JobView {
  const { store, index, manifest, patches, erasures, usage } = state
  const { sealedSeq, keepFromMs } = manifest.record()
  const hot = index.hot(sealedSeq)
  const { sound, damaged } = partsOf(manifest)
  return {
    nowMs,
    limits,
    sealedSeq,
    sealThroughSeq: Math.max(sealThroughSeq, ...erasures.running().map(({ maxSeq }) => maxSeq)),
    hot,
    oldestHotMs: hot.blocks === 0 ? null : store.readCreatedMs(sealedSeq + 1),
    isSealing: store.newestGenerationSeq() > sealedSeq + 1,
    segments: sound,
    damagedSegments: damaged,
    patchedIn: (segment) => patchedIn(state, segment, absent),
    patchShare: Math.max(patches.count() / patchesPerShardMax, patches.bytes() / patchBytesPerShardMax),
    erasures: erasures.active(),
    hasDamage: manifest.damaged().length > 0,
    keepFromMs,
    oldestDamagedBlockMs: store.oldestDamagedMs(),
    garbageDueMs: store.readGarbageDueMs(),
    usageDueMs: usage.dueMs(),
    retryMs,
  }
}

/** Present segments, those apart that a job found damaged. */
export function partsOf(manifest: Manifest): { sound: SegmentEntry[]; damaged: SegmentMeta[] } {
  const sound: SegmentEntry[] = []
  const damaged: SegmentMeta[] = []
  for (const entry of manifest.entries()) {
    if (manifest.isDamaged(entry.meta.key)) damaged.push(entry.meta)
    else sound.push(entry)
  }
  return { sound, damaged }
}

function patchedIn({ patches, index }: ShardState, { key, minSeq, maxSeq }: SegmentMeta, absent: AbsentRows): PatchedRow[] {
  const elsewhere = absent.get(key)
  return patches
    .within(minSeq, maxSeq)
    .filter((seq) => !elsewhere?.has(seq) && index.find(seq) === undefined)
    .map((seq) => ({ seq, changedMs: patches.changedMs(seq) }))
}
