import { and, asc, eq, isNull, lte, sql } from 'drizzle-orm'
import type { TaskJob } from '../core/jobs.ts'
import { reportDispatchRowsMax, reportErrorCharsMax, reportFilesKeptMs } from '../core/limits.ts'
import { problem, ProblemError, problems } from '../core/problems.ts'
import { auditEntry } from '../db/audit.ts'
import type { BaseCtx, TenantCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { newMail, queueMails } from '../db/mails.ts'
import { accounts, organizations } from '../db/schema.ts'
import { reports } from '../db/schema_jobs.ts'
import { confirmedRecipients } from '../features/notification-channels/recipients.ts'
import { nextReportMs, ownReports, reportFolder, rowOf } from '../features/reports/report.ts'
import type { ReportRow } from '../features/reports/report.ts'
import { csvOfLogs } from '../search/csv_of_logs.ts'
import type { CsvFile } from '../search/csv_of_logs.ts'
import { tenantOf } from './tenant.ts'

type ReportJob = Extract<TaskJob, { kind: 'report' }>

/**
 * Sends a job for each report that is due, and then says when it is due next: a crash in between sends the same job again, and its
 * mails are written once. What was missed while nothing ran goes out once, not once for each time.
 */
export async function dispatchReports(ctx: BaseCtx): Promise<void> {
  const now = ctx.now()
  const due = await ctx.db
    .select({ report: reports })
    .from(reports)
    .innerJoin(organizations, and(eq(organizations.id, reports.organizationId), isNull(organizations.deletedAt)))
    .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .where(lte(reports.nextAt, now))
    .orderBy(asc(reports.nextAt))
    .limit(reportDispatchRowsMax)
  if (due.length === 0) return
  const rows = due.map(({ report }) => rowOf(report))
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
      .set({ nextAt: nextReportMs(enabled, definition, now) })
      .where(ownReports({ tenant: { organizationId } }, eq(reports.id, id), eq(reports.nextAt, nextAt ?? now)))
  }
}

/** Runs a report and mails what it found, once for each time that it is due, to whoever may and wants to have it. */
export async function sendReport(
  base: BaseCtx,
  { organization_id: organizationId, report_id: id, due_ms: dueMs }: ReportJob,
): Promise<void> {
  const organization = await tenantOf(base, organizationId)
  if (organization === undefined) return
  const { ctx, name } = organization
  const [stored] = await ctx.db
    .select()
    .from(reports)
    .where(ownReports(ctx, eq(reports.id, id)))
  if (stored === undefined) return
  const report = rowOf(stored)
  try {
    await mailReport(ctx, report, name, dueMs)
  } catch (error) {
    // A query that cannot work is the report's fault and seen there; all else is tried again.
    if (!(error instanceof ProblemError) || problems[error.code].status >= 500) throw error
    await noteFailure(ctx, id, error.detail)
  }
}

/** Says of a report whose job was given up why nobody got it. */
export async function noteFailure(
  ctx: Pick<BaseCtx, 'db' | 'now'> & { tenant: Pick<TenantCtx['tenant'], 'organizationId'> },
  id: string,
  reason: string,
): Promise<void> {
  await ctx.db
    .update(reports)
    .set({ lastRunAt: ctx.now(), lastError: reason.slice(0, reportErrorCharsMax) })
    .where(ownReports(ctx, eq(reports.id, id)))
}

async function mailReport(ctx: TenantCtx, report: ReportRow, organizationName: string, dueMs: number): Promise<void> {
  const { id, name, definition } = report
  const { organizationId } = ctx.tenant
  const confirmed = await confirmedRecipients(ctx, organizationId, definition.to_emails)
  const recipients = definition.to_emails.filter((email) => confirmed.has(email))
  if (recipients.length === 0)
    throw problem('unprocessable', 'None of its addresses has confirmed that it wants mails of this organization.')
  const file = await csvOfLogs(ctx, definition, dueMs)
  const csvKey = await storeFile(ctx, report, file, dueMs)
  const params = {
    organization_name: organizationName,
    report: { id, name, q: definition.q, from: file.from, to: file.to },
    rows: file.rows,
    truncated: file.truncated,
    csv_key: csvKey,
    csv_bytes: file.bytes.length,
  }
  const mails = recipients.map((to) => {
    return newMail(ctx, 'report', { to, ownerId: organizationId, onceKey: `report:${id}:${dueMs}:${to}` }, params)
  })
  const own = ownReports(ctx, eq(reports.id, id))
  const entry = { action: 'report.send', target: { kind: 'report', id }, details: { rows: file.rows, recipients: recipients.length } }
  await ctx.db.batch([
    // A repeat is no second sending.
    auditEntry(ctx, entry, reports, ownReports(ctx, eq(reports.id, id), sql`${reports.lastRunAt} is not ${dueMs}`)),
    ctx.db.update(reports).set({ lastRunAt: dueMs, lastRows: file.rows, lastError: null }).where(own),
    ...mails.map(({ statement }) => statement),
  ])
  queueMails(ctx, mails)
}

/** Puts the file where its mails take it from, and removes those of earlier runs that nobody waits for any more. */
async function storeFile(
  ctx: TenantCtx,
  { organizationId, id }: ReportRow,
  { bytes, rows }: CsvFile,
  dueMs: number,
): Promise<string | null> {
  const folder = reportFolder(organizationId, id)
  const { objects } = await ctx.env.STORAGE.list({ prefix: folder })
  const old = objects.filter(({ uploaded }) => uploaded.getTime() < ctx.now() - reportFilesKeptMs).map(({ key }) => key)
  if (old.length > 0) await ctx.env.STORAGE.delete(old)
  if (rows === 0) return null
  const key = `${folder}${dueMs}.csv`
  await ctx.env.STORAGE.put(key, bytes, { httpMetadata: { contentType: 'text/csv; charset=utf-8' } })
  return key
}
