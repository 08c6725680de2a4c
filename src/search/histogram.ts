import { bySeverity } from '../core/severity.ts'
import { formatTimestamp } from '../core/time.ts'
import type { TenantCtx } from '../db/context.ts'
import { aggregateLogs } from './aggregate.ts'
import type { QueryRun } from './query_run.ts'
import { queryRun } from './query_run.ts'
import { checkQuery } from './query_text.ts'
import type { HistogramInput } from './schema.ts'
import { footOf } from './stats.ts'
import { timeBuckets } from './time_buckets.ts'
import { parseRange } from './time_range.ts'

/** Counts by time and severity of the logs that match; buckets without any are there too, with zeros. */
export async function histogramOfLogs(ctx: TenantCtx, input: HistogramInput, run?: QueryRun) {
  const startedMs = ctx.now()
  checkQuery(input.q)
  const asked = parseRange(input.from, input.to, startedMs)
  const { shards, deps } = run ?? (await queryRun(ctx))
  const { range, bucketMs, firstMs, buckets } = await timeBuckets(ctx, shards, input, asked)
  const scanned = await aggregateLogs(deps, shards, { q: input.q, range }, { kind: 'histogram', bucketMs })
  const counted = new Map(scanned.result.buckets.map(({ startMs, counts }) => [startMs, counts]))
  const filled = Array.from({ length: buckets }, (_, i) => bucketJson(firstMs + i * bucketMs, counted.get(firstMs + i * bucketMs)))
  return {
    from: range.toMs > range.fromMs ? formatTimestamp(range.fromMs, 0) : null,
    to: range.toMs > range.fromMs ? formatTimestamp(range.toMs, 0) : null,
    interval_ms: bucketMs,
    count: filled.reduce((sum, bucket) => sum + bucket.count, 0),
    buckets: filled,
    ...footOf(ctx, shards, scanned, startedMs),
  }
}

function bucketJson(startMs: number, counts: readonly number[] = []) {
  const count = counts.reduce((sum, each) => sum + each, 0)
  return { start: formatTimestamp(startMs, 0), count, severities: bySeverity(counts) }
}
