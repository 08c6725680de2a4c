import { dayMs } from '../../../core/calendar.ts'
import { mergeBytesMax, mergeDayAfterMs, mergeGrowthMin, mergeSmallBytesMax, mergeWidth, segmentRowsMax } from '../../../core/limits.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { Due, JobContext, JobView } from './job.ts'
import { dayOfKey, endOfDay } from './segment_key.ts'
import { rewriteSegments } from './segments.ts'

/**
 * Merges segments below `mergeSmallBytesMax` of one day: `mergeWidth` of similar size, or all once the day is over and quiet. Each
 * row's segment grows at least `mergeGrowthMin` times, so a row sealed in s bytes is written at most log(mergeSmallBytesMax / s) /
 * log(mergeGrowthMin) + 1 times more: 13 for 64 KiB, but mostly once for each factor of `mergeWidth`.
 */
export function dueMerge(view: JobView): Due | null {
  const days = new Map<string, SegmentMeta[]>()
  for (const { meta } of view.segments) {
    if (meta.bytes >= mergeSmallBytesMax) continue
    const day = dayOfKey(meta.key)
    const others = days.get(day)
    if (others === undefined) days.set(day, [meta])
    else others.push(meta)
  }
  let first: Due | null = null
  for (const small of days.values()) {
    const due = small.length < 2 ? null : (dueTier(view, small) ?? dueDay(small))
    if (due !== null && (first === null || due.atMs < first.atMs)) first = due
  }
  return first
}

export async function merge(context: JobContext, segments: readonly SegmentMeta[]): Promise<void> {
  await rewriteSegments(context, 'merge', segments, 2)
}

/** `mergeWidth` neighbours in size of which the largest is at most `mergeWidth` times the smallest. */
function dueTier({ nowMs }: JobView, small: readonly SegmentMeta[]): Due | null {
  const segments = tierOf(small)
  return segments === undefined ? null : { atMs: nowMs, job: { kind: 'merge', segments } }
}

function tierOf(small: readonly SegmentMeta[]): SegmentMeta[] | undefined {
  const bySize = small.toSorted((a, b) => a.bytes - b.bytes || (a.key < b.key ? -1 : 1))
  for (let start = 0; start + mergeWidth <= bySize.length; start++) {
    const tier = bySize.slice(start, start + mergeWidth)
    if (tier.at(-1)!.bytes > tier[0]!.bytes * mergeWidth) continue
    const segments = worthMerging(tier)
    if (segments !== undefined) return segments
  }
  return undefined
}

/** All that is left of a day that ended `mergeDayAfterMs` ago, when nothing came since. */
function dueDay(small: readonly SegmentMeta[]): Due | null {
  const segments = worthMerging(small.toSorted((a, b) => a.bytes - b.bytes || (a.key < b.key ? -1 : 1)))
  if (segments === undefined) return null
  const newestMs = small.reduce((max, { maxCreatedMs }) => Math.max(max, maxCreatedMs), 0)
  // Of days that are yet to come, as clocks that are wrong say, nothing more comes either.
  const overMs = Math.max(newestMs, Math.min(endOfDay(small[0]!.key), newestMs + dayMs))
  return { atMs: overMs + mergeDayAfterMs, job: { kind: 'merge', segments } }
}

/** As many of them, smallest first, as one merge takes, less large ones that would hardly grow; undefined when none is left to merge. */
function worthMerging(bySize: readonly SegmentMeta[]): SegmentMeta[] | undefined {
  let bytes = 0
  let rows = 0
  const chosen: SegmentMeta[] = []
  for (const meta of bySize) {
    bytes += meta.bytes
    rows += meta.rows
    if (bytes > mergeBytesMax || rows > segmentRowsMax) {
      bytes -= meta.bytes
      break
    }
    chosen.push(meta)
  }
  while (chosen.length > 1 && bytes < chosen.at(-1)!.bytes * mergeGrowthMin) bytes -= chosen.pop()!.bytes
  return chosen.length > 1 ? chosen : undefined
}
