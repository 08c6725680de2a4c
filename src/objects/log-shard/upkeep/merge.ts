import { dayMs } from '../../../core/calendar.ts'
import {
  mergeBytesMax,
  mergeDayAfterMs,
  mergeGrowthMin,
  mergeRawBytesMax,
  mergeSmallBytesMax,
  mergeWidth,
  sealDayGapMax,
  segmentRowsMax,
  smallSegmentsMax,
} from '../../../core/limits.ts'
import type { SegmentMeta } from '../../../engine/segment/types.ts'
import type { Due, JobContext, JobView } from './job.ts'
import { dayOfKey, endOfDay } from './segment_key.ts'
import { rewriteSegments } from './segments.ts'

/**
 * Merges segments below `mergeSmallBytesMax` of one day: `mergeWidth` of similar size, or all once the day is over and quiet; and
 * of any days when there are too many. Each row's segment grows at least `mergeGrowthMin` times, so a row sealed in s bytes is
 * written at most log(mergeSmallBytesMax / s) / log(mergeGrowthMin) + 1 times more: 13 for 64 KiB, but mostly once for each
 * factor of `mergeWidth`. Small segments stay fewer than about `smallSegmentsMax`, so that all of them grow with the data alone.
 */
export function dueMerge(view: JobView): Due | null {
  const small = view.segments.flatMap(({ meta }) => (sizeOf(meta) < mergeSmallBytesMax ? [meta] : []))
  const days = new Map<string, SegmentMeta[]>()
  for (const meta of small) {
    const day = isStray(meta) ? strays : dayOfKey(meta.key)
    const others = days.get(day)
    if (others === undefined) days.set(day, [meta])
    else others.push(meta)
  }
  let first: Due | null = null
  for (const [day, ofDay] of days) {
    const due = ofDay.length < 2 ? null : (dueTier(view, ofDay) ?? (day === strays ? null : dueDay(ofDay)))
    if (due !== null && (first === null || due.atMs < first.atMs)) first = due
  }
  if (small.length <= smallSegmentsMax || (first !== null && first.atMs <= view.nowMs)) return first
  const segments = acrossDays(small)
  return segments === undefined ? first : { atMs: view.nowMs, job: { kind: 'merge', segments } }
}

export async function merge(context: JobContext, segments: readonly SegmentMeta[]): Promise<void> {
  await context.fitting.merge.run(
    (segmentsMax) => segments.slice(0, segmentsMax),
    (some, readsMax) => rewriteSegments(context, 'merge', some, { min: 2, readsMax }),
  )
}

/** In place of a day. */
const strays = 'strays'

/** Rows of days far apart, as clocks that are wrong say: see `planParts`. */
function isStray({ minMs, maxMs }: SegmentMeta): boolean {
  return maxMs - minMs > (sealDayGapMax + 1) * dayMs
}

/** What a segment takes of the limits of a merge, as bytes of an ordinary one. */
function sizeOf({ bytes, rawBytes, rows }: SegmentMeta): number {
  return Math.max(bytes, (rawBytes / mergeRawBytesMax) * mergeBytesMax, (rows / segmentRowsMax) * mergeBytesMax)
}

/** Of `mergeWidth` neighbours in time, all of about the same size, those that lie closest together. */
function acrossDays(small: readonly SegmentMeta[]): SegmentMeta[] | undefined {
  const sizes = new Map<number, SegmentMeta[]>()
  for (const meta of small) {
    const size = Math.floor(Math.log(sizeOf(meta)) / Math.log(mergeWidth))
    const alike = sizes.get(size)
    if (alike === undefined) sizes.set(size, [meta])
    else alike.push(meta)
  }
  let best: { spanMs: number; segments: SegmentMeta[] } | undefined
  for (const alike of sizes.values()) {
    const byTime = alike.toSorted((a, b) => a.minMs - b.minMs || a.maxMs - b.maxMs || (a.key < b.key ? -1 : 1))
    for (let start = 0; start + mergeWidth <= byTime.length; start++) {
      const near = byTime.slice(start, start + mergeWidth)
      const spanMs = near.reduce((max, { maxMs }) => Math.max(max, maxMs), 0) - near[0]!.minMs
      if (best !== undefined && best.spanMs <= spanMs) continue
      const segments = worthMerging(bySize(near))
      if (segments !== undefined) best = { spanMs, segments }
    }
  }
  return best?.segments
}

function bySize(segments: readonly SegmentMeta[]): SegmentMeta[] {
  return segments.toSorted((a, b) => sizeOf(a) - sizeOf(b) || (a.key < b.key ? -1 : 1))
}

/** `mergeWidth` neighbours in size of which the largest is at most `mergeWidth` times the smallest. */
function dueTier({ nowMs }: JobView, small: readonly SegmentMeta[]): Due | null {
  const segments = tierOf(small)
  return segments === undefined ? null : { atMs: nowMs, job: { kind: 'merge', segments } }
}

function tierOf(small: readonly SegmentMeta[]): SegmentMeta[] | undefined {
  const sorted = bySize(small)
  for (let start = 0; start + mergeWidth <= sorted.length; start++) {
    const tier = sorted.slice(start, start + mergeWidth)
    if (sizeOf(tier.at(-1)!) > sizeOf(tier[0]!) * mergeWidth) continue
    const segments = worthMerging(tier)
    if (segments !== undefined) return segments
  }
  return undefined
}

/** All that is left of a day that ended `mergeDayAfterMs` ago, when nothing came since. */
function dueDay(small: readonly SegmentMeta[]): Due | null {
  const segments = worthMerging(bySize(small))
  if (segments === undefined) return null
  const newestMs = small.reduce((max, { maxCreatedMs }) => Math.max(max, maxCreatedMs), 0)
  // Of days that are yet to come, as clocks that are wrong say, nothing more comes either.
  const overMs = Math.max(newestMs, Math.min(endOfDay(small[0]!.key), newestMs + dayMs))
  return { atMs: overMs + mergeDayAfterMs, job: { kind: 'merge', segments } }
}

/** As many of them, smallest first, as one merge takes, less large ones that would hardly grow; undefined when none is left to merge. */
function worthMerging(sorted: readonly SegmentMeta[]): SegmentMeta[] | undefined {
  let size = 0
  const chosen: SegmentMeta[] = []
  for (const meta of sorted) {
    if (size + sizeOf(meta) > mergeBytesMax) break
    size += sizeOf(meta)
    chosen.push(meta)
  }
  while (chosen.length > 1 && size < sizeOf(chosen.at(-1)!) * mergeGrowthMin) size -= sizeOf(chosen.pop()!)
  return chosen.length > 1 ? chosen : undefined
}
