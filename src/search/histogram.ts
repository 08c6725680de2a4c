import { histogramBucketsAuto, histogramBucketsMax, queryBudgetBytes } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import { severities } from '../core/severity.ts'
import { formatTimestamp } from '../core/time.ts'
import type { TenantCtx } from '../db/context.ts'
import { mergeHistograms } from '../engine/query/merge.ts'
import type { TimeRange } from '../engine/query/types.ts'
import { checkQuery } from './query_text.ts'
import type { HistogramInput } from './schema.ts'
import type { Shard } from './shards.ts'
import { askAll, shardsOf } from './shards.ts'
import { statsOf } from './stats.ts'
import { parseRange } from './time_range.ts'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

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
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * 86_400_000),
]

/** Counts by time and severity of the logs that match; buckets without any are there too, with zeros. */
export async function histogramOfLogs(ctx: TenantCtx, input: HistogramInput) {
  const startedMs = ctx.now()
  checkQuery(input.q)
  const asked = parseRange(input.from, input.to, startedMs)
  const shards = await shardsOf(ctx)
  const range = await closedRange(ctx, shards, input, asked)
  const bucketMs = input.interval === undefined ? autoInterval(range) : parseInterval(input.interval)
  const firstMs = Math.floor(range.fromMs / bucketMs) * bucketMs
  const buckets = Math.ceil((range.toMs - firstMs) / bucketMs)
  if (buckets > histogramBucketsMax) {
    const detail = `The range has ${buckets} intervals of that length, at most ${histogramBucketsMax} are given; use a longer one or none.`
    throw problem('validation_failed', detail, { details: { interval: [detail] } })
  }
  const replies = await askAll(ctx, shards, ({ rpc, identity }) => {
    return rpc.histogram({ identity, q: input.q, range, bucketMs, budgetBytes: queryBudgetBytes })
  })
  const merged = mergeHistograms(replies)
  const counted = new Map(merged.buckets.map(({ startMs, counts }) => [startMs, counts]))
  const filled = Array.from({ length: buckets }, (_, i) => bucketJson(firstMs + i * bucketMs, counted.get(firstMs + i * bucketMs)))
  return {
    from: range.toMs > range.fromMs ? formatTimestamp(range.fromMs, 0) : null,
    to: range.toMs > range.fromMs ? formatTimestamp(range.toMs, 0) : null,
    interval_ms: bucketMs,
    count: filled.reduce((sum, bucket) => sum + bucket.count, 0),
    buckets: filled,
    partial: merged.budgetEnded,
    stats: statsOf(shards.length, merged.cost, ctx.now() - startedMs),
  }
}

/** A bound that was not given is where the organization's data begins or ends. */
async function closedRange(ctx: TenantCtx, shards: readonly Shard[], input: HistogramInput, asked: TimeRange): Promise<TimeRange> {
  if (input.from !== undefined && input.to !== undefined) return asked
  const extents = (await askAll(ctx, shards, ({ rpc, identity }) => rpc.extent(identity))).flatMap(({ extent }) => extent ?? [])
  const fromMs = Math.max(asked.fromMs, Math.min(...extents.map(({ minMs }) => minMs)))
  const toMs = Math.min(asked.toMs, Math.max(...extents.map(({ maxMs }) => maxMs)) + 1)
  // No data, or none on this side of the one bound that was given.
  return fromMs < toMs ? { fromMs, toMs } : { fromMs: 0, toMs: 0 }
}

function autoInterval({ fromMs, toMs }: TimeRange): number {
  const wanted = (toMs - fromMs) / histogramBucketsAuto
  const yearMs = 365 * 86_400_000
  return niceIntervalsMs.find((interval) => interval >= wanted) ?? Math.ceil(wanted / yearMs) * yearMs
}

function parseInterval(text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? []
  return Number(amount) * (unitMs[unit ?? ''] ?? 1)
}

function bucketJson(startMs: number, counts: readonly number[] | undefined) {
  const bySeverity = Object.fromEntries(severities.map((name, i) => [name, counts?.[i] ?? 0])) as Record<
    (typeof severities)[number],
    number
  >
  return { start: formatTimestamp(startMs, 0), count: (counts ?? []).reduce((sum, count) => sum + count, 0), severities: bySeverity }
}
