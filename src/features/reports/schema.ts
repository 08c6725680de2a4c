import * as z from 'zod'
import { cronSchema, nextCronMs } from '../../core/cron.ts'
import {
  attributeNameBytesMax,
  logColumnsMax,
  nameCharsMax,
  queryBytesMax,
  reportEveryMsMin,
  reportRecipientsMax,
  reportRowsDefault,
  reportRowsMax,
  reportTimesChecked,
  timeBoundCharsMax,
} from '../../core/limits.ts'
import {
  checkedText,
  emailSchema,
  lineSchema,
  nameSchema,
  pageQuery,
  pageSchema,
  patchOf,
  timestampSchema,
  uuidSchema,
} from '../../core/primitives.ts'
import { timeZoneSchema } from '../../core/profile.ts'
import type { QueryChecks } from '../../core/query_checks.ts'

type DefinitionChecks = Pick<QueryChecks, 'query' | 'timeBound' | 'timeRange'>
const noFault = () => undefined
/** What was stored once is shown, whatever the query language has become since. */
const unchecked: DefinitionChecks = { query: noFault, timeBound: noFault, timeRange: noFault }

function definitionShape({ query, timeBound }: DefinitionChecks) {
  const bound = checkedText(timeBoundCharsMax, timeBound).min(1, 'must not be empty')
  return z.strictObject({
    q: checkedText(queryBytesMax, query).default('').meta({ description: 'Filter in the query language; empty for all logs' }),
    from: bound.default('now-1d').meta({ description: 'First event time; relative to when it is due, such as now-1d' }),
    to: bound.default('now').meta({ description: 'First event time that is not included' }),
    columns: z
      .array(z.string().min(1, 'must not be empty').max(attributeNameBytesMax))
      .max(logColumnsMax)
      .default([])
      .meta({ description: 'Fields in this order; none for all that GET /logs/export gives' }),
    order: z.enum(['newest', 'oldest']).default('newest'),
    rows_max: z.int().min(1, 'must be at least 1').max(reportRowsMax, `must be at most ${reportRowsMax}`).default(reportRowsDefault),
    cron: cronSchema,
    time_zone: timeZoneSchema.default('UTC'),
    to_emails: z
      .array(emailSchema)
      .min(1, 'must name at least one')
      .max(reportRecipientsMax)
      .meta({ description: 'Members with a confirmed e-mail get it at once; other addresses are asked by mail first' }),
  })
}

const storedReportDefinition = definitionShape(unchecked)
export type ReportDefinition = z.output<typeof storedReportDefinition>

/** Bodies of writes. Their queries are read by what src/routes.ts gives as `checks`. */
export function reportBodies(checks: DefinitionChecks) {
  const definition = definitionShape(checks).check(({ value, issues }) => {
    const add = (path: string, message: string) => issues.push({ code: 'custom', message, input: value, path: [path] })
    const fault = checks.timeRange(value.from, value.to)
    if (fault !== undefined) add('from', fault)
    if (new Set(value.to_emails).size < value.to_emails.length) add('to_emails', 'must not name an address twice')
    if (new Set(value.columns).size < value.columns.length) add('columns', 'must not name a field twice')
    if (comesTooOften(value)) add('cron', `must leave ${reportEveryMsMin / 60_000} minutes between two times`)
  })
  const shape = { name: nameSchema, enabled: z.boolean(), definition }
  const create = z.strictObject({ ...shape, enabled: shape.enabled.default(true) })
  return { create, update: patchOf(shape) }
}
export type CreateReport = z.output<ReturnType<typeof reportBodies>['create']>
export type UpdateReport = z.output<ReturnType<typeof reportBodies>['update']>

/** Whether two of its next times are closer than they may be. */
function comesTooOften({ cron, time_zone: timeZone }: Pick<ReportDefinition, 'cron' | 'time_zone'>): boolean {
  // Any moment does: what matters is how the times follow each other.
  let last = nextCronMs({ cron, timeZone }, 0)
  for (let i = 0; i < reportTimesChecked && last !== null; i++) {
    const next = nextCronMs({ cron, timeZone }, last)
    if (next !== null && next - last < reportEveryMsMin) return true
    last = next
  }
  return false
}

const head = {
  id: z.string(),
  name: z.string(),
  enabled: z.boolean(),
  next_at: timestampSchema.nullable().meta({ description: 'When it is due; null while it is not enabled' }),
  last_run_at: timestampSchema.nullable(),
  last_rows: z.int().nullable().meta({ description: 'Rows of the last one that went out' }),
  last_error: z.string().nullable().meta({ description: 'Why the last one did not go out' }),
  created_by: z.string(),
  created_at: timestampSchema,
  updated_at: timestampSchema,
}

export const reportSchema = z.object({ ...head, definition: storedReportDefinition }).meta({ id: 'Report' })
export type ReportJson = z.output<typeof reportSchema>

export const reportParam = z.object({ id: uuidSchema })

const orderings = ['name', '-name', 'created_at', '-created_at', 'next_at', '-next_at'] as const

export const listReportsQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(orderings).default('name'),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the name, without case for ASCII letters' }),
})
export const reportPageSchema = pageSchema(reportSchema)
