import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { StoredErasure } from '../erasures.ts'
import type { Manifest } from '../manifest.ts'
import type { ShardState } from '../state.ts'
import type { SegmentEntry } from '../store_storage.ts'
import { damagedPartsOf } from './erase.ts'
import type { JobContext, JobKind, JobView, PatchedRow } from './job.ts'

/** Patched rows that turned out not to be in a segment, although its range has their numbers: a segment never changes. */
export type AbsentRows = Map<string, Set<number>>

/** The state as the choice of the next job needs it; hot rows up to `sealThroughSeq` are to be sealed whatever their age. */
export function viewOf(context: JobContext, sealThroughSeq: number, retryMs: ReadonlyMap<JobKind, number>): JobView {
  const { state, limits, absent } = context
  const { store, index, manifest, patches, erasures, usage } = state
  const nowMs = context.now()
  const { sealedSeq, keepFromMs } = manifest.record()
  const hot = index.hot(sealedSeq)
  const { sound, damaged } = partsOf(manifest)
  const isHot = ({ range, maxSeq }: StoredErasure) => index.inRange(range, maxSeq).some((place) => index.at(place).firstSeq > sealedSeq)
  return {
    nowMs,
    limits,
    sealedSeq,
    sealThroughSeq: Math.max(sealThroughSeq, ...erasures.running().map((erasure) => (isHot(erasure) ? erasure.maxSeq : 0))),
    hot,
    oldestHotMs: hot.blocks === 0 ? null : store.readCreatedMs(sealedSeq + 1),
    isSealing: store.newestGenerationSeq() > sealedSeq + 1,
    segments: sound,
    damagedSegments: damaged,
    patchedIn: (segment) => patchedIn(state, segment, absent),
    patchShare: patches.share(),
    erasures: erasures.active(),
    isHot,
    damagedPartsOf: (erasure) => damagedPartsOf(state, erasure),
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
    if (manifest.damage.has(entry.meta.key)) damaged.push(entry.meta)
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
