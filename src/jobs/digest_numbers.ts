import { and, count, desc, eq, gte, lt, sql } from 'drizzle-orm'
import * as z from 'zod'
import { digestAlertsShownMax, digestRowsShownMax } from '../core/limits.ts'
import { logsUrl } from '../core/links.ts'
import { mailParams } from '../core/mails.ts'
import type { MailParams } from '../core/mails.ts'
import type { TenantCtx } from '../db/context.ts'
import { alertHistory, alertRules } from '../db/schema_alerts.ts'
import { usageDays } from '../db/schema_jobs.ts'
import { inTenant } from '../db/tenant.ts'
import { facetsOfLogs } from '../search/facets.ts'
import { patternsOfLogs } from '../search/patterns.ts'
import { statsOfLogs } from '../search/stats_of_logs.ts'
import type { DigestWeek } from './digest_week.ts'

/** What a digest says, whoever reads it. */
export type DigestNumbers = Omit<MailParams<'weekly_digest'>, 'organization_name'>

/** As it lies in R2; `numbers` is null for a week in which nothing happened. */
const stored = z.object({ week: z.string(), numbers: mailParams.weekly_digest.omit({ organization_name: true }).nullable() })

/** Under the prefix that the purge of an organization removes; each week takes the place of the one before. */
function keyOf({ tenant }: TenantCtx): string {
  return `org/${tenant.organizationId}/digest.json`
}

/**
 * The numbers of an organization's week; null when nothing was stored and no alert fired. They are gathered once, since members
 * in other time zones ask again hours later.
 */
export async function digestNumbers(ctx: TenantCtx, week: DigestWeek): Promise<DigestNumbers | null> {
  const known = stored.safeParse(await (await ctx.env.STORAGE.get(keyOf(ctx)))?.json())
  if (known.success && known.data.week === week.fromDay) return known.data.numbers
  const gathered = await gather(ctx, week)
  const numbers = gathered.rows === 0 && gathered.alerts.length === 0 ? null : gathered
  const body = JSON.stringify({ week: week.fromDay, numbers } satisfies z.input<typeof stored>)
  await ctx.env.STORAGE.put(keyOf(ctx), body, { httpMetadata: { contentType: 'application/json' } })
  return numbers
}

async function gather(ctx: TenantCtx, week: DigestWeek): Promise<DigestNumbers> {
  const range = rangeOf(week.fromMs, week.toMs)
  const before = rangeOf(2 * week.fromMs - week.toMs, week.fromMs)
  const counts = { q: '', stats: 'count()', limit: 100 }
  // One after the other: each may use what one invocation has of memory and connections.
  const stats = await statsOfLogs(ctx, { ...counts, ...range, by: ['severity'], interval: '1d' })
  const statsBefore = await statsOfLogs(ctx, { ...counts, ...before, by: [] })
  const { facets, partial: facetsPartial } = await facetsOfLogs(ctx, { q: '', ...range, fields: ['source'], limit: digestRowsShownMax })
  const errors = await patternsOfLogs(ctx, { q: 'severity:>=error', ...range, limit: digestRowsShownMax })
  const bySeverity = stats.groups.map(({ group, values }) => ({ severity: group[0] ?? 'none', rows: rowsIn(values) }))
  return {
    from_day: week.fromDay,
    to_day: week.toDay,
    rows: bySeverity.reduce((sum, { rows }) => sum + rows, 0),
    bytes: await bytesStored(ctx, week),
    rows_before: statsBefore.groups.reduce((sum, { values }) => sum + rowsIn(values), 0),
    by_day: daysOf(stats.groups.flatMap(({ buckets }) => buckets ?? [])),
    by_severity: bySeverity.filter(({ rows }) => rows > 0),
    top_sources: (facets[0]?.values ?? []).map(({ value, count: rows }) => ({ source: value, rows })),
    top_errors: errors.patterns.map(({ pattern, count: rows }) => ({ pattern, rows })),
    alerts: await alertsFired(ctx, week),
    partial: stats.partial || statsBefore.partial || facetsPartial || errors.partial,
    logs_url: logsUrl(ctx.config.publicUrl, { organizationId: ctx.tenant.organizationId, q: '', ...range }),
  }
}

function rangeOf(fromMs: number, toMs: number): { from: string; to: string } {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
}

/** A count of logs is a number always; sums alone may be bigger. */
function rowsIn([value]: readonly unknown[]): number {
  return z.number().parse(value)
}

function daysOf(buckets: readonly { start: string; values: readonly unknown[] }[]): DigestNumbers['by_day'] {
  const days = new Map<string, number>()
  for (const { start, values } of buckets) {
    const day = start.slice(0, 10)
    days.set(day, (days.get(day) ?? 0) + rowsIn(values))
  }
  return [...days].map(([day, rows]) => ({ day, rows })).toSorted((a, b) => (a.day < b.day ? -1 : 1))
}

async function bytesStored(ctx: TenantCtx, { fromDay, toDay }: DigestWeek): Promise<number> {
  const ofWeek = and(gte(usageDays.day, fromDay), lt(usageDays.day, toDay))
  const [row] = await ctx.db
    .select({ bytes: sql<number>`coalesce(sum(${usageDays.storedBytes}), 0)`.as('bytes') })
    .from(usageDays)
    .where(inTenant(ctx, usageDays, ofWeek))
  return row?.bytes ?? 0
}

/** How often groups of each rule began to fire, and where the rule stands now. A deleted rule has no name to tell. */
async function alertsFired(ctx: TenantCtx, { fromMs, toMs }: DigestWeek): Promise<DigestNumbers['alerts']> {
  const fired = count()
  const began = and(eq(alertHistory.toState, 'firing'), gte(alertHistory.at, fromMs), lt(alertHistory.at, toMs))
  return ctx.db
    .select({ name: alertRules.name, fired, state: alertRules.state })
    .from(alertHistory)
    .innerJoin(alertRules, and(eq(alertRules.organizationId, alertHistory.organizationId), eq(alertRules.id, alertHistory.ruleId)))
    .where(inTenant(ctx, alertHistory, began))
    .groupBy(alertHistory.ruleId)
    .orderBy(desc(fired))
    .limit(digestAlertsShownMax)
}
