import * as z from 'zod'
import { alertSeverities } from '../../core/alerts.ts'
import {
  alertByMax,
  alertChannelsMax,
  alertDelaySecondsMax,
  alertDescriptionCharsMax,
  alertIntervalSecondsMin,
  alertNoDataWindowsMin,
  alertRenotifySecondsMin,
  alertRunbookCharsMax,
  alertSecondsMax,
  attributeNameBytesMax,
  queryBytesMax,
} from '../../core/limits.ts'
import { checkedText, uuidSchema } from '../../core/primitives.ts'
import type { QueryChecks } from '../../core/query_checks.ts'

export const alertOperators = ['>', '>=', '<', '<='] as const
export type AlertOperator = (typeof alertOperators)[number]

export const noDataPolicies = ['ok', 'keep', 'nodata', 'firing'] as const

type DefinitionChecks = Pick<QueryChecks, 'query' | 'stats'>
const noFault = () => undefined
/** What was stored once is shown and evaluated, whatever the query language has become since. */
const unchecked: DefinitionChecks = { query: noFault, stats: noFault }

const seconds = (min: number, max = alertSecondsMax) => z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`)
const minutes = (min: number) => seconds(min).refine((value) => value % alertIntervalSecondsMin === 0, 'must be whole minutes')

function conditionShape({ stats }: DefinitionChecks) {
  return {
    stats: checkedText(queryBytesMax, (text) => stats(text, 1))
      .default('count()')
      .meta({ description: 'One function, as GET /logs/stats takes it: count(), p99(duration), avg(bytes)' }),
    by: z.array(z.string().min(1, 'must not be empty').max(attributeNameBytesMax)).max(alertByMax).default([]).meta({
      description:
        'Fields whose values make groups, each of which fires by itself; at most 100 groups, and 64 KB of their names, are looked at',
    }),
    operator: z.enum(alertOperators).default('>'),
    threshold: z.number(),
    recovery_threshold: z
      .number()
      .nullable()
      .default(null)
      .meta({ description: 'What fires goes on while the value is still beyond this; null for the threshold itself' }),
  }
}

function definitionShape(checks: DefinitionChecks) {
  return z.strictObject({
    q: checkedText(queryBytesMax, checks.query).default('').meta({ description: 'Filter in the query language; empty for all logs' }),
    ...conditionShape(checks),
    window_seconds: minutes(60).default(300).meta({ description: 'How far back from its end each evaluation looks' }),
    interval_seconds: minutes(alertIntervalSecondsMin).default(60).meta({ description: 'Time between evaluations' }),
    delay_seconds: seconds(0, alertDelaySecondsMax)
      .default(30)
      .meta({ description: 'How long each window waits for late logs before it is evaluated' }),
    for_seconds: minutes(0).default(0).meta({ description: 'How long the threshold must be crossed before it fires' }),
    recover_for_seconds: minutes(0).default(0).meta({ description: 'How long it must be over before it is resolved' }),
    no_data: z
      .strictObject({
        policy: z.enum(noDataPolicies).default('ok').meta({
          description:
            'When nothing matches: ok takes it for fine, keep leaves the state, nodata tells of it, firing takes it for crossed. count() and count_distinct() are 0 then, which is a value, also of a group that had logs in the two days before',
        }),
        after_seconds: minutes(120).nullable().default(null).meta({ description: 'At least twice the window; null for twice the window' }),
      })
      .default({ policy: 'ok', after_seconds: null }),
    renotify_seconds: minutes(alertRenotifySecondsMin)
      .nullable()
      .default(null)
      .meta({ description: 'Remind so often while it fires; null: never' }),
    severity: z.enum(alertSeverities).default('error'),
    description: z.string().max(alertDescriptionCharsMax).default(''),
    runbook_url: z
      .url({ protocol: /^https?$/ })
      .max(alertRunbookCharsMax)
      .nullable()
      .default(null),
    channel_ids: z.array(uuidSchema).max(alertChannelsMax).default([]),
  })
}

/** A rule's definition as it is stored. */
export const storedAlertDefinition = definitionShape(unchecked)
export type AlertDefinition = z.output<typeof storedAlertDefinition>

/** A definition that somebody writes; its query is read by what src/routes.ts gives as `checks`. */
export function alertDefinition(checks: DefinitionChecks) {
  return definitionShape(checks).check(({ value, issues }) => {
    const add = (path: (string | number)[], message: string) => issues.push({ code: 'custom', message, input: value, path })
    const { operator, threshold, recovery_threshold: recovery, window_seconds: window, no_data: noData } = value
    const isUpward = operator === '>' || operator === '>='
    if (recovery !== null && (isUpward ? recovery > threshold : recovery < threshold))
      add(['recovery_threshold'], `must not be ${isUpward ? 'above' : 'below'} the threshold`)
    const noDataMin = alertNoDataWindowsMin * window
    if (noData.after_seconds !== null && noData.after_seconds < noDataMin)
      add(['no_data', 'after_seconds'], `must be at least ${alertNoDataWindowsMin} windows: ${noDataMin}`)
    if (new Set(value.channel_ids).size < value.channel_ids.length) add(['channel_ids'], 'must not name a channel twice')
    if (new Set(value.by).size < value.by.length) add(['by'], 'must not name a field twice')
  })
}

/** When the next window that is to be evaluated ends: always whole intervals since 1970, so that a restart changes nothing. */
export function dueWindowEndMs(
  { interval_seconds: interval, delay_seconds: delay }: Pick<AlertDefinition, 'interval_seconds' | 'delay_seconds'>,
  nowMs: number,
): number {
  const step = interval * 1000
  return Math.floor((nowMs - delay * 1000) / step) * step
}

/** The condition in words. */
export function conditionText({
  stats,
  operator,
  threshold,
  by,
  window_seconds: window,
}: Pick<AlertDefinition, 'stats' | 'operator' | 'threshold' | 'by' | 'window_seconds'>): string {
  const groups = by.length === 0 ? '' : ` by ${by.join(', ')}`
  return `${stats}${groups} ${operator} ${threshold} within ${window / 60}m`
}
