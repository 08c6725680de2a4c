import { statsSketchesPerGroupMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import { severities } from '../core/severity.ts'
import { formatTimestamp } from '../core/time.ts'
import type { TenantCtx } from '../db/context.ts'
import { rawJson } from '../engine/log_json.ts'
import { resolveField } from '../engine/query/fields.ts'
import { QueryError } from '../engine/query/query_error.ts'
import type { StatsOrder, StatsValue } from '../engine/query/stats_answer.ts'
import { answerStats } from '../engine/query/stats_answer.ts'
import { measuresOf } from '../engine/query/stats_measures.ts'
import { parseStats } from '../engine/query/stats_parser.ts'
import type { StatsFunction, StatsPlan } from '../engine/query/stats_types.ts'
import { aggregateLogs } from './aggregate.ts'
import type { StatsInput } from './analytics_schema.ts'
import type { QueryRun } from './query_run.ts'
import { queryRun } from './query_run.ts'
import { checkQuery } from './query_text.ts'
import { footOf } from './stats.ts'
import { timeBuckets } from './time_buckets.ts'
import { parseRange } from './time_range.ts'

/** Statistics over the logs that match, by group and time bucket. */
export async function statsOfLogs(ctx: TenantCtx, input: StatsInput, run?: QueryRun) {
  const startedMs = ctx.now()
  checkQuery(input.q)
  const functions = statsFunctionsIn('stats', input.stats)
  const order = orderOf(functions, input.ordering)
  const asked = parseRange(input.from, input.to, startedMs)
  const { shards, deps } = run ?? (await queryRun(ctx))
  const buckets = input.interval === undefined ? undefined : await timeBuckets(ctx, shards, input, asked)
  checkSketches(functions, buckets?.buckets ?? 1)
  const plan: StatsPlan = { functions, by: input.by, bucketMs: buckets?.bucketMs ?? null }
  const scanned = await aggregateLogs(deps, shards, { q: input.q, range: buckets?.range ?? asked }, { kind: 'stats', plan })
  const answer = answerStats(plan, scanned.result, order, input.limit)
  const valuesJson = (values: readonly StatsValue[]) => values.map((value, i) => valueJson(functions[i]!, value))
  return {
    by: input.by,
    interval_ms: plan.bucketMs,
    functions: functions.map((each, i) => functionJson(each, answer.errors[i]!)),
    groups: answer.groups.map((group) => ({
      group: [...group.key],
      values: valuesJson(group.values),
      ...(plan.bucketMs !== null && {
        buckets: group.buckets.map(({ startMs, values }) => ({ start: formatTimestamp(startMs, 0), values: valuesJson(values) })),
      }),
      complete: group.isComplete,
    })),
    group_count: answer.groupCount,
    truncated: answer.isPruned || answer.groupCount > answer.groups.length,
    groups_dropped: answer.isPruned,
    ...footOf(ctx, shards, scanned, startedMs),
  }
}

/** Throws the problem `invalid_query`, which says where the text is wrong and what was expected there. */
export function statsFunctionsIn(name: string, text: string): StatsFunction[] {
  try {
    return parseStats(text)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    const details = { [name]: [error.message], position: [String(error.position)], expected: [error.expected] }
    throw problem('invalid_query', error.message, { details, cause: error })
  }
}

/** As the functions of a query write it; undefined when it is not just one function. */
function functionText(text: string): string | undefined {
  try {
    const asked = parseStats(text)
    return asked.length === 1 ? asked[0]?.text : undefined
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    return undefined
  }
}

/** Throws `validation_failed` when it is none of these functions. */
export function orderOf(functions: readonly StatsFunction[], ordering: string | undefined): StatsOrder {
  if (ordering === undefined) return { function: 0, isDescending: true }
  const isDescending = ordering.startsWith('-')
  const asked = functionText(ordering.slice(isDescending ? 1 : 0))
  const place = functions.findIndex(({ text }) => text === asked)
  if (place >= 0) return { function: place, isDescending }
  const names = functions.map(({ text }) => text).join(', ')
  const detail = `Groups can be ordered by one of the functions in stats (${names}), with - in front for descending: -${functions[0]?.text}.`
  throw problem('validation_failed', detail, { details: { ordering: [detail] } })
}

function checkSketches(functions: readonly StatsFunction[], buckets: number): void {
  const sketches = measuresOf(functions).filter(({ kind }) => kind === 'distinct' || kind === 'quantiles').length
  if (sketches * buckets <= statsSketchesPerGroupMax) return
  const detail = `Percentiles and distinct counts of ${sketches} fields in ${buckets} intervals are too many; ${statsSketchesPerGroupMax} in all are computed.`
  throw problem('validation_failed', `${detail} Use a longer interval.`, { details: { interval: [detail] } })
}

function functionJson({ name, text }: StatsFunction, error: number) {
  if (name === 'percentile') return { function: text, relative_error: error }
  return name === 'count_distinct' ? { function: text, standard_error: error } : { function: text }
}

/** Least and greatest of times and severities are told as these are elsewhere. */
function valueJson({ name, field }: StatsFunction, value: StatsValue): unknown {
  if (typeof value === 'bigint') return rawJson(String(value))
  if (value === null || field === null || (name !== 'min' && name !== 'max')) return value
  const resolved = resolveField(field)
  if ('attribute' in resolved) return value
  return resolved.system === 'severity' ? severities[value] : formatTimestamp(value, 0)
}
