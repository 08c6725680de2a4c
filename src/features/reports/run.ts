import { eq } from 'drizzle-orm'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { reports } from '../../db/schema_jobs.ts'
import { findReport, ownReports } from './report.ts'

/** What stands for now: within one minute a report goes out once, however often it is asked for. */
const stepMs = 60_000

/** Sends a report out now, beside its times. Answers the moment that it is of. */
export async function runReport(ctx: TenantCtx, id: string): Promise<{ due_at: string }> {
  await findReport(ctx, id)
  const dueMs = Math.floor(ctx.now() / stepMs) * stepMs
  const where = ownReports(ctx, eq(reports.id, id))
  await auditEntry(ctx, { action: 'report.run', target: { kind: 'report', id } }, reports, where)
  await sendJobs(ctx, 'task-jobs', [{ kind: 'report', organization_id: ctx.tenant.organizationId, report_id: id, due_ms: dueMs }])
  return { due_at: new Date(dueMs).toISOString() }
}
