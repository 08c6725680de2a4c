import { eq } from 'drizzle-orm'
import { auditEntry } from '../../db/audit.ts'
import { shortFields } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { reportRuns, reports } from '../../db/schema_jobs.ts'
import { inTenant } from '../../db/tenant.ts'
import { removeObjects } from '../tasks/files.ts'
import { fieldsOf, findReport, noReport, ownReports, reportFileKey } from './report.ts'

/**
 * Deletes a report for ever, and its files: a mail that still waits for one of them does not go out any more. A run that is under way
 * may still write one, so its rows are left to the schedule, which looks once more.
 */
export async function deleteReport(ctx: TenantCtx, id: string): Promise<void> {
  const before = await findReport(ctx, id)
  const where = ownReports(ctx, eq(reports.id, id))
  const entry = { action: 'report.delete', target: { kind: 'report', id }, details: shortFields(fieldsOf(before)) }
  const [, rows, runs] = await ctx.db.batch([
    auditEntry(ctx, entry, reports, where),
    ctx.db.delete(reports).where(where).returning({ id: reports.id }),
    ctx.db
      .update(reportRuns)
      .set({ keptUntil: ctx.now() })
      .where(inTenant(ctx, reportRuns, eq(reportRuns.reportId, id)))
      .returning(),
  ])
  if (rows.length === 0) throw noReport()
  await removeObjects(ctx, runs.map(reportFileKey))
}
