import { eq, sql } from 'drizzle-orm'
import { reportsPerOrganizationMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { auditEntry, auditOrigin } from '../../db/audit.ts'
import { shortFields } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { queueMails } from '../../db/mails.ts'
import { reports } from '../../db/schema_jobs.ts'
import { askRecipients } from '../notification-channels/recipients.ts'
import { requireRecipients } from './recipients.ts'
import { fieldsOf, nextReportMs, ownReports, rowOf } from './report.ts'
import type { ReportRow } from './report.ts'
import type { CreateReport } from './schema.ts'

/** A new report of the organization; addresses of nobody's here are asked whether they want it. */
export async function createReport(ctx: TenantCtx, input: CreateReport): Promise<ReportRow> {
  const { name, enabled, definition } = input
  const [id, now] = [ctx.newId(), ctx.now()]
  const { organizationId, actor } = auditOrigin(ctx)
  const entry = { action: 'report.create', target: { kind: 'report', id }, details: shortFields(fieldsOf(input)) }
  const isStored = sql`exists (select 1 from ${reports} where ${ownReports(ctx, eq(reports.id, id))})`
  await requireRecipients(ctx, definition.to_emails)
  const asked = await askRecipients(ctx, definition.to_emails, isStored)
  const [rows] = await ctx.db.batch([
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(reports)
      .select(
        sql`select ${organizationId}, ${id}, ${name}, ${enabled}, ${JSON.stringify(definition)}, ${nextReportMs(enabled, definition, now)},
            null, null, null, ${actor.id ?? actor.kind}, ${now}, ${now}
          where (select count(*) from ${reports} where ${ownReports(ctx)}) < ${reportsPerOrganizationMax}`,
      )
      .returning(),
    auditEntry(ctx, entry, reports, ownReports(ctx, eq(reports.id, id))),
    ...asked.statements,
  ])
  const row = rows[0]
  if (!row) throw problem('conflict', `An organization can have at most ${reportsPerOrganizationMax} reports. Delete some first.`)
  queueMails(ctx, asked.mails)
  return rowOf(row)
}
