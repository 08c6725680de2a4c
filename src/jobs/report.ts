import { and, asc, eq, lte, sql } from 'drizzle-orm'
import type { TaskJob } from '../core/jobs.ts'
import { reportDispatchPerOrganizationMax, reportDispatchRowsMax, reportErrorCharsMax } from '../core/limits.ts'
import { problem, ProblemError, problems } from '../core/problems.ts'
import { auditEntry } from '../db/audit.ts'
import type { BaseCtx, TenantCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { ofLiveAccount, ofLiveOrganization } from '../db/live.ts'
import { mailBudgetSpent, newMail, queueMails, unwritten } from '../db/mails.ts'
import { accounts, organizations } from '../db/schema.ts'
import { reportRuns, reports } from '../db/schema_jobs.ts'
import { confirmedRecipients } from '../features/notification-channels/recipients.ts'
import { creatorMay, findWithCreator, nextReportMs, ownReports, reportFileKey } from '../features/reports/report.ts'
import type { ReportRow } from '../features/reports/report.ts'
import { csvOfLogs } from '../search/csv_of_logs.ts'
import { storedReportFile } from './report_file.ts'
import { claimRun, endRun, isUnderWay, openRun, releaseRun } from './report_runs.ts'
import type { RunKey } from './report_runs.ts'
import { tenantOf } from './tenant.ts'

type ReportJob = Extract<TaskJob, { kind: 'report' }>

/**
 * Sends a job for each report that is due, and then says when it is due next: a crash in between sends the same job again, and its
 * mails are written once. What was missed while nothing ran goes out once, not once for each time.
 */
export async function dispatchReports(ctx: BaseCtx): Promise<void> {
  const now = ctx.now()
  const rows = await dueReports(ctx, now)
  if (rows.length === 0) return
  await sendJobs(
    ctx,
    'task-jobs',
    rows.map(({ organizationId, id, nextAt }) => {
      return { kind: 'report', organization_id: organizationId, report_id: id, due_ms: nextAt ?? now } as const
    }),
  )
  for (const { organizationId, id, nextAt, enabled, definition } of rows) {
    await ctx.db
      .update(reports)
      .set({ nextAt: nextReportMs(enabled, definition as ReportRow['definition'], now) })
      .where(ownReports({ tenant: { organizationId } }, eq(reports.id, id), eq(reports.nextAt, nextAt ?? now)))
  }
}

/** Some of each organization, its oldest first: one that has a hundred at eight o'clock gets them over ten minutes, as others do theirs. */
function dueReports(ctx: BaseCtx, now: number) {
  const { organizationId, id, nextAt, enabled, definition } = reports
  const place = sql<number>`row_number() over (partition by ${organizationId} order by ${nextAt}, ${id})`.as('place')
  const due = ctx.db
    .select({ organizationId, id, nextAt, enabled, definition, place })
    .from(reports)
    .innerJoin(organizations, ofLiveOrganization(organizationId))
    .innerJoin(accounts, ofLiveAccount)
    .where(lte(nextAt, now))
    .as('due')
  return ctx.db
    .select()
    .from(due)
    .where(lte(due.place, reportDispatchPerOrganizationMax))
    .orderBy(asc(due.place), asc(due.nextAt))
    .limit(reportDispatchRowsMax)
}

/** Runs a report and mails what it found, once for each time that it is due, to whoever may and wants to have it. */
export async function sendReport(
  base: BaseCtx,
  { organization_id: organizationId, report_id: id, due_ms: dueAt }: ReportJob,
): Promise<void> {
  const organization = await tenantOf(base, organizationId)
  if (organization === undefined) return
  const { ctx, name } = organization
  const found = await findWithCreator(ctx, id)
  if (found === undefined) return
  const run = { organizationId, reportId: id, dueAt }
  if (!(await claimRun(ctx, run))) {
    // Should that one have died, this message is what is left of it: it comes again until the lease is over.
    if (await isUnderWay(ctx, run)) throw new Error('another delivery of this report is at work')
    return
  }
  try {
    await (found.isRightful ? mailReport(ctx, found.report, name, run) : stopReport(ctx, found.report, run))
  } catch (error) {
    // A query that cannot work is the report's fault and seen there; all else is tried again.
    if (!(error instanceof ProblemError) || problems[error.code].status >= 500) {
      await releaseRun(ctx, run)
      throw error
    }
    await ctx.db.batch([failure(ctx, id, error.detail), endRun(ctx, run)])
  }
}

/** Disables a report whose maker is gone, or may not have it any more. */
async function stopReport(ctx: TenantCtx, { id, updatedAt, createdBy }: ReportRow, run: RunKey): Promise<void> {
  const reason = 'Who made it is not in the organization any more, or may not have it. Whoever enables it takes it over.'
  const stands = ownReports(ctx, eq(reports.id, id), eq(reports.enabled, true), eq(reports.updatedAt, updatedAt))
  const entry = { action: 'report.disable', target: { kind: 'report', id }, details: { created_by: createdBy, reason } }
  await ctx.db.batch([
    auditEntry(ctx, entry, reports, stands),
    failure(ctx, id, reason),
    ctx.db
      .update(reports)
      .set({ enabled: false, nextAt: null, updatedAt: Math.max(ctx.now(), updatedAt + 1) })
      .where(stands),
    endRun(ctx, run),
  ])
}

type ReportPlace = Pick<BaseCtx, 'db' | 'now'> & { tenant: Pick<TenantCtx['tenant'], 'organizationId'> }

/** Says of a report whose job was given up why nobody got it. */
export async function noteFailure(ctx: ReportPlace, id: string, reason: string): Promise<void> {
  await failure(ctx, id, reason)
}

function failure(ctx: ReportPlace, id: string, reason: string) {
  return ctx.db
    .update(reports)
    .set({ lastRunAt: ctx.now(), lastError: reason.slice(0, reportErrorCharsMax) })
    .where(ownReports(ctx, eq(reports.id, id)))
}

async function mailReport(ctx: TenantCtx, report: ReportRow, organizationName: string, run: RunKey): Promise<void> {
  const { id, name, definition } = report
  const { organizationId } = ctx.tenant
  const confirmed = await confirmedRecipients(ctx, organizationId, definition.to_emails)
  const recipients = definition.to_emails.filter((email) => confirmed.has(email))
  if (recipients.length === 0)
    throw problem('unprocessable', 'None of its addresses has confirmed that it wants mails of this organization.')
  const file = await storedReportFile(ctx, reportFileKey(run), () => csvOfLogs(ctx, definition, run.dueAt))
  const params = {
    organization_name: organizationName,
    report: { id, name, q: definition.q, from: file.from, to: file.to },
    rows: file.rows,
    truncated: file.truncated,
    csv_key: file.key,
    csv_bytes: file.bytes,
  }
  const own = ownReports(ctx, eq(reports.id, id))
  // Whoever lost the right while the search ran, or the report that was deleted, gets nothing out.
  const source = sql`from ${reports} where ${and(own, creatorMay(ctx))}`
  const onceKey = (to: string) => `report:${id}:${run.dueAt}:${to}`
  const mails = recipients.map((to) => newMail(ctx, 'report', { to, ownerId: organizationId, onceKey: onceKey(to) }, params, source))
  const missing = unwritten(recipients.map(onceKey))
  const entry = { action: 'report.send', target: { kind: 'report', id }, details: { rows: file.rows, recipients: recipients.length } }
  await ctx.db.batch([
    // A repeat is no second sending.
    auditEntry(ctx, entry, reportRuns, openRun(run)),
    ctx.db.update(reports).set({ lastRunAt: run.dueAt, lastRows: file.rows, lastError: null }).where(own),
    ...mails.map(({ statement }) => statement),
    ctx.db
      .update(reports)
      .set({ lastError: sql`${missing} || ${` of ${recipients.length} mails were not sent. ${mailBudgetSpent}`}` })
      .where(and(own, creatorMay(ctx), sql`${missing} > 0`)),
    endRun(ctx, run),
  ])
  queueMails(ctx, mails)
}
