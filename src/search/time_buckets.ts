import { dayMs } from '../core/calendar.ts'
import { histogramBucketsAuto, histogramBucketsMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { TenantCtx } from '../db/context.ts'
import type { TimeRange } from '../engine/query/types.ts'
import type { Shard } from './shards.ts'
import { askAll } from './shards.ts'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: dayMs }

/** Interval lengths that people read easily; beyond the last one, whole multiples of 365 days. */
const niceIntervalsMs = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((n) => n * 1000),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * 60_000),
  ...[1, 2, 3, 6, 12].map((n) => n * 3_600_000),
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * dayMs),
]

/** A range with both its ends, cut into intervals of equal length that start at whole multiples of it. */
export interface TimeBuckets {
  range: TimeRange
  bucketMs: number
  firstMs: number
  buckets: number
}

/**
 * The asked range in intervals of the given length, or of one that makes about sixty. A bound that was not given is where the
 * organization's data begins or ends. Throws `validation_failed` when there would be too many intervals.
 */
export async function timeBuckets(
  ctx: TenantCtx,
  shards: readonly Shard[],
  input: { from?: string | undefined; to?: string | undefined; interval?: string | undefined },
  asked: TimeRange,
): Promise<TimeBuckets> {
  const range = await closedRange(ctx, shards, input, asked)
  const bucketMs = input.interval === undefined ? autoInterval(range) : parseInterval(input.interval)
  const firstMs = Math.floor(range.fromMs / bucketMs) * bucketMs
  const buckets = Math.ceil((range.toMs - firstMs) / bucketMs)
  if (buckets > histogramBucketsMax) {
    const detail = `The range has ${buckets} intervals of that length, at most ${histogramBucketsMax} are given: narrow from and to, or use a longer interval or none.`
    throw problem('validation_failed', detail, { details: { interval: [detail] } })
  }
  return { range, bucketMs, firstMs, buckets }
}

/** A bound that was not given is where the organization's data begins or ends. */
async function closedRange(
  ctx: TenantCtx,
  shards: readonly Shard[],
  input: { from?: string | undefined; to?: string | undefined },
  asked: TimeRange,
): Promise<TimeRange> {
  if (input.from !== undefined && input.to !== undefined) return asked
  const extents = (await askAll(ctx, shards, ({ rpc, identity }) => rpc.extent(identity))).flatMap(({ extent }) => extent ?? [])
  const fromMs = Math.max(asked.fromMs, Math.min(...extents.map(({ minMs }) => minMs)))
  const toMs = Math.min(asked.toMs, Math.max(...extents.map(({ maxMs }) => maxMs)) + 1)
  // No data, or none on this side of the one bound that was given.
  return fromMs < toMs ? { fromMs, toMs } : { fromMs: 0, toMs: 0 }
}

/** Length of intervals that makes about sixty of a range. */
export function autoInterval({ fromMs, toMs }: TimeRange): number {
  const wanted = (toMs - fromMs) / histogramBucketsAuto
  const yearMs = 365 * dayMs
  return niceIntervalsMs.find((interval) => interval >= wanted) ?? Math.ceil(wanted / yearMs) * yearMs
}

function parseInterval(text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? []
  return Number(amount) * (unitMs[unit ?? ''] ?? 1)
}
