import { eq, sql } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { actorId, auditEntry } from '../../db/audit.ts'
import { shortChangesOf } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { queueMails } from '../../db/mails.ts'
import { reports } from '../../db/schema_jobs.ts'
import { askRecipients } from '../notification-channels/recipients.ts'
import { requireRecipients } from './recipients.ts'
import { fieldsOf, findReport, findWithCreator, nextReportMs, noReport, ownReports, rowOf } from './report.ts'
import type { ReportRow } from './report.ts'
import type { UpdateReport } from './schema.ts'

/**
 * Changes what is given; when it is due next counts from now. Who changes the report of somebody who may not have it any more, and
 * leaves it enabled, takes it over with all its addresses.
 */
export async function updateReport(ctx: TenantCtx, id: string, change: UpdateReport): Promise<ReportRow> {
  const found = await findWithCreator(ctx, id)
  if (found === undefined) throw noReport()
  const before = found.report
  const { name = before.name, enabled = before.enabled, definition = before.definition } = change
  const isTakenOver = enabled && !found.isRightful
  const createdBy = isTakenOver ? (actorId(ctx.actor) ?? before.createdBy) : before.createdBy
  const changes = shortChangesOf(
    { ...fieldsOf(before), created_by: before.createdBy },
    { ...fieldsOf({ name, enabled, definition }), created_by: createdBy },
  )
  if (Object.keys(changes).length === 0) return before
  // What was read is what the audit entry calls the state before; the time rises with each change.
  const where = ownReports(ctx, eq(reports.id, id), eq(reports.updatedAt, before.updatedAt))
  const added = definition.to_emails.filter((email) => !before.definition.to_emails.includes(email))
  await requireRecipients(ctx, isTakenOver ? definition.to_emails : added)
  const isStored = sql`exists (select 1 from ${reports} where ${ownReports(ctx, eq(reports.id, id))})`
  const asked = await askRecipients(ctx, added, isStored)
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, { action: 'report.update', target: { kind: 'report', id }, changes }, reports, where),
    ctx.db
      .update(reports)
      .set({
        name,
        enabled,
        definition,
        createdBy,
        nextAt: nextReportMs(enabled, definition, ctx.now()),
        updatedAt: Math.max(ctx.now(), before.updatedAt + 1),
      })
      .where(where)
      .returning(),
    ...asked.statements,
  ])
  const row = rows[0]
  if (!row) {
    await findReport(ctx, id)
    throw problem('conflict', 'The report was changed by somebody else meanwhile. Look at it and try again.')
  }
  queueMails(ctx, asked.mails)
  return rowOf(row)
}
