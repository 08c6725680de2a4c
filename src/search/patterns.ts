import { encodeLogId } from '../core/ids.ts'
import { bySeverity } from '../core/severity.ts'
import { formatTimestamp } from '../core/time.ts'
import type { TenantCtx } from '../db/context.ts'
import { answerPatterns, rowsWithoutMessage, sampleRate } from '../engine/query/patterns.ts'
import type { PatternEntry } from '../engine/query/patterns_table.ts'
import { rowsOf } from '../engine/query/patterns_table.ts'
import { aggregateLogs } from './aggregate.ts'
import type { PatternsInput } from './analytics_schema.ts'
import { queryDeps } from './query_deps.ts'
import { checkQuery } from './query_text.ts'
import { shardsOf } from './shards.ts'
import { footOf } from './stats.ts'
import { timeBuckets } from './time_buckets.ts'
import { parseRange } from './time_range.ts'

/** The messages of the logs that match, folded into patterns, most frequent first. */
export async function patternsOfLogs(ctx: TenantCtx, input: PatternsInput) {
  const startedMs = ctx.now()
  checkQuery(input.q)
  const asked = parseRange(input.from, input.to, startedMs)
  const shards = await shardsOf(ctx)
  const { range, bucketMs, firstMs } = await timeBuckets(ctx, shards, input, asked)
  const plan = { fromMs: firstMs, bucketMs }
  const scanned = await aggregateLogs(queryDeps(ctx), shards, { q: input.q, range }, { kind: 'patterns', plan })
  const patterns = answerPatterns(scanned.result)
  const { rowsMatched } = scanned.cost
  const rate = sampleRate(scanned.result)
  return {
    count: rowsMatched,
    interval_ms: bucketMs,
    from: range.toMs > range.fromMs ? formatTimestamp(firstMs, 0) : null,
    patterns: patterns.slice(0, input.limit).map((entry) => patternJson(entry, rowsMatched)),
    pattern_count: patterns.length,
    truncated: patterns.length > input.limit,
    dropped_count: scanned.result.droppedRows,
    without_message_count: rowsWithoutMessage(scanned.result),
    sampled: rate < 1,
    sample_rate: rate,
    ...footOf(ctx, shards, scanned, startedMs),
  }
}

function patternJson(entry: PatternEntry, rowsMatched: number) {
  const { text, counts, firstMs, lastMs, buckets, example } = entry
  const rows = rowsOf(entry)
  return {
    pattern: text,
    count: rows,
    share: rows / rowsMatched,
    severities: bySeverity(counts),
    first_seen: formatTimestamp(firstMs, 0),
    last_seen: formatTimestamp(lastMs, 0),
    example: { id: encodeLogId(example.shard, example.seq), timestamp: formatTimestamp(example.ms, 0), message: example.message },
    counts: buckets,
  }
}
