import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import { shortFields } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { reports } from '../../db/schema_jobs.ts'
import { fieldsOf, findReport, ownReports, reportFolder } from './report.ts'

/** Deletes a report for ever, and its files: a mail that still waits for one of them does not go out any more. */
export async function deleteReport(ctx: TenantCtx, id: string): Promise<void> {
  const before = await findReport(ctx, id)
  const where = ownReports(ctx, eq(reports.id, id))
  const entry = { action: 'report.delete', target: { kind: 'report', id }, details: shortFields(fieldsOf(before)) }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, reports, where),
    ctx.db.delete(reports).where(where).returning({ id: reports.id }),
  ])
  if (rows.length === 0) throw problem('not_found', 'There is no such report.')
  const { objects } = await ctx.env.STORAGE.list({ prefix: reportFolder(ctx.tenant.organizationId, id) })
  if (objects.length > 0) await ctx.env.STORAGE.delete(objects.map(({ key }) => key))
}
