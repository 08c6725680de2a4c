import { alertGroupsMax, statsCellsMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import type { StatsValue } from '../../engine/query/stats_answer.ts'
import { answerStats } from '../../engine/query/stats_answer.ts'
import type { StatsFunction, StatsPlan } from '../../engine/query/stats_types.ts'
import type { TimeRange } from '../../engine/query/types.ts'
import type { AlertDefinition } from '../../features/alerts/definition.ts'
import { aggregateLogs } from '../aggregate.ts'
import { wholenessOf } from '../damage.ts'
import type { QueryRun } from '../query_run.ts'
import { queryRun } from '../query_run.ts'
import { checkQuery } from '../query_text.ts'
import { statsFunctionsIn } from '../stats_of_logs.ts'
import { keyValue } from './group_key.ts'
import type { GroupValue } from './groups.ts'
import { isBeyond, isUpward } from './groups.ts'

export interface RuleValues {
  /** The worst values first. */
  readonly groups: GroupValue[]
  /** A group that is not among them had no logs; false: nothing is known of it. */
  readonly isWhole: boolean
  /** There were more groups than statistics keep. */
  readonly truncated: boolean
  /** What the scan decompressed. */
  readonly bytes: number
}

/**
 * What a rule finds in a window. Of logs that could only be seen in part, it tells those groups of which the rest cannot change
 * that they are beyond the threshold. Throws the problem of a query that cannot be read, and `unprocessable` or `damaged_block`
 * when the part that was seen tells nothing.
 */
export async function evaluateRule(ctx: TenantCtx, definition: AlertDefinition, window: TimeRange, run?: QueryRun): Promise<RuleValues> {
  checkQuery(definition.q)
  const [asked, ...others] = statsFunctionsIn('stats', definition.stats)
  if (asked === undefined || others.length > 0) throw problem('validation_failed', 'A rule has one function.')
  const { shards, deps } = run ?? (await queryRun(ctx))
  const plan: StatsPlan = { functions: [asked], by: definition.by, bucketMs: null }
  const scanned = await aggregateLogs(deps, shards, { q: definition.q, range: window }, { kind: 'stats', plan })
  const { damaged } = wholenessOf(ctx, scanned)
  const isPartial = scanned.budgetEnded || damaged !== undefined
  const answer = answerStats(plan, scanned.result, { function: 0, isDescending: isUpward(definition) }, statsCellsMax)
  const isCertain = certainty(asked, definition)
  const groups = answer.groups
    .map(({ key, values, isComplete }) => {
      const value = numberOf(values[0])
      const group = { key: Object.fromEntries(definition.by.map((field, i) => [field, keyValue(key[i] ?? null)])), value }
      return { group, isKnown: (isComplete && !isPartial) || (value !== null && isCertain(value)) }
    })
    .filter(({ isKnown }) => isKnown)
    .map(({ group }) => group)
  if (isPartial && groups.length === 0) throw damaged === undefined ? tooMuch() : unreadable()
  return { groups, isWhole: !isPartial && !answer.isPruned, truncated: answer.isPruned, bytes: scanned.cost.bytesDecompressed }
}

/** Whether a value that some logs gave stays beyond the threshold whatever the others hold. */
function certainty({ name }: StatsFunction, definition: AlertDefinition): (value: number) => boolean {
  const rises = name === 'count' || name === 'count_distinct' || name === 'max'
  const isMonotone = isUpward(definition) ? rises : name === 'min'
  return (value) => isMonotone && isBeyond(value, definition.operator, definition.threshold)
}

/** Integers beyond 2^53 are near enough for a threshold. */
function numberOf(value: StatsValue | undefined): number | null {
  return value === undefined || value === null ? null : Number(value)
}

function tooMuch() {
  return problem('unprocessable', 'The window holds more logs than one evaluation may read. Narrow the query or the window.')
}

function unreadable() {
  return problem('damaged_block', 'Some of the logs of the window cannot be read, and without them the value is not known.')
}

/** Those that people are shown: at most as many as a rule tells apart. */
export function shownGroups({ groups }: Pick<RuleValues, 'groups'>): GroupValue[] {
  return groups.slice(0, alertGroupsMax)
}
