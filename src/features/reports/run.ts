import { eq, gt, sql } from 'drizzle-orm'
import { reportFilesKeptMs, reportRunEveryMs, reportRunsAskedMax, reportRunsWindowMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { reportRuns, reports } from '../../db/schema_jobs.ts'
import { inTenant } from '../../db/tenant.ts'
import { findReport, ownReports } from './report.ts'

/**
 * Sends a report out now, beside its times. Answers the moment that it is of. Throws `rate_limited` when it went out within this
 * minute, and when the organization asked for too many lately: the row of the run is written under the condition of both, so that
 * requests at the same time cannot pass together.
 */
export async function runReport(ctx: TenantCtx, id: string): Promise<{ due_at: string }> {
  await findReport(ctx, id)
  const now = ctx.now()
  const dueAt = Math.floor(now / reportRunEveryMs) * reportRunEveryMs
  const { organizationId } = ctx.tenant
  const lately = inTenant(ctx, reportRuns, eq(reportRuns.asked, true), gt(reportRuns.createdAt, now - reportRunsWindowMs))
  const own = inTenant(ctx, reportRuns, eq(reportRuns.reportId, id), eq(reportRuns.dueAt, dueAt))
  const mine = eq(reportRuns.requestId, ctx.requestId)
  const exists = sql`exists (select 1 from ${reports} where ${ownReports(ctx, eq(reports.id, id))})`
  const [claimed, , [used]] = await ctx.db.batch([
    ctx.db
      .insert(reportRuns)
      // In the order of the table's columns, as drizzle wants it. Its lease is free: the job takes it.
      .select(
        sql`select ${organizationId}, ${id}, ${dueAt}, 0, 1, ${ctx.requestId}, ${now}, ${now + reportFilesKeptMs}
          where ${exists} and (select count(*) from ${reportRuns} where ${lately}) < ${reportRunsAskedMax}`,
      )
      .onConflictDoNothing()
      .returning({ dueAt: reportRuns.dueAt }),
    auditEntry(ctx, { action: 'report.run', target: { kind: 'report', id } }, reportRuns, sql`${own} and ${mine}`),
    ctx.db
      .select({ count: sql<number>`count(*)`.as('lately'), oldestMs: sql<number | null>`min(${reportRuns.createdAt})`.as('oldest') })
      .from(reportRuns)
      .where(lately),
  ])
  if (claimed.length === 0) await findReport(ctx, id)
  if (claimed.length === 0) throw tooOften(used ?? { count: 0, oldestMs: null }, dueAt, now)
  try {
    await sendJobs(ctx, 'task-jobs', [{ kind: 'report', organization_id: organizationId, report_id: id, due_ms: dueAt }])
  } catch (error) {
    // Nobody else sends it, so that it may be asked for again.
    await ctx.db.delete(reportRuns).where(own)
    throw error
  }
  return { due_at: new Date(dueAt).toISOString() }
}

function tooOften({ count, oldestMs }: { count: number; oldestMs: number | null }, dueAt: number, now: number) {
  const isSpent = count >= reportRunsAskedMax
  const untilMs = isSpent ? (oldestMs ?? now) + reportRunsWindowMs : dueAt + reportRunEveryMs
  const limit = isSpent
    ? `report_runs_per_hour is ${reportRunsAskedMax} for the organization`
    : `report_runs_per_minute is 1 for a report, and it goes out already`
  const seconds = Math.max(1, Math.ceil((untilMs - now) / 1000))
  return problem('rate_limited', `The limit ${limit}. Try again in ${seconds} s.`, {
    details: isSpent
      ? { report_runs_per_hour: [`at most ${reportRunsAskedMax} in ${reportRunsWindowMs / 60_000} minutes`] }
      : { report_runs_per_minute: ['at most 1 in a minute'] },
    headers: { 'Retry-After': String(seconds) },
  })
}
