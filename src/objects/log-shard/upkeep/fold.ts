import { foldAgeMs, foldShare } from '../../../core/limits.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { Due, JobContext, JobView, PatchedRow } from './job.ts'
import { rewriteSegments } from './segments.ts'

/**
 * Patches of sealed rows are folded in when the oldest of a segment is `foldAgeMs` old, so that a segment is rewritten at most
 * once in that time; at once where an erasure waits for it; and the segment with most of them when there are too many.
 */
export function dueFold(view: JobView): Due | null {
  let first: Due | null = null
  let most = { rows: 0, segment: undefined as SegmentMeta | undefined }
  for (const { meta } of view.segments) {
    const patched = view.patchedIn(meta)
    if (patched.length === 0) continue
    const oldestMs = patched.reduce((min, { changedMs }) => Math.min(min, changedMs), Infinity)
    const atMs = isAwaited(view, meta, patched) ? view.nowMs : oldestMs + foldAgeMs
    if (first === null || atMs < first.atMs) first = { atMs, job: { kind: 'fold', segment: meta } }
    if (patched.length > most.rows) most = { rows: patched.length, segment: meta }
  }
  if (view.patchShare < foldShare || most.segment === undefined) return first
  return first !== null && first.atMs <= view.nowMs ? first : { atMs: view.nowMs, job: { kind: 'fold', segment: most.segment } }
}

/** An erasure looks at segments alone: rows that were edited before it must be there with their new content. */
export function isAwaited({ erasures }: Pick<JobView, 'erasures'>, segment: SegmentMeta, patched: readonly PatchedRow[]): boolean {
  return erasures.some(
    ({ status, maxSeq, createdMs }) =>
      status === 'running' && segment.minSeq <= maxSeq && patched.some(({ seq, changedMs }) => seq <= maxSeq && changedMs <= createdMs),
  )
}

/** Rewrites a segment with the edits and deletes of its rows; their patches go in the same transaction. */
export async function fold(context: JobContext, segment: SegmentMeta): Promise<void> {
  await rewriteSegments(context, 'fold', [segment])
}
