import { and, eq, isNotNull, isNull, lte, or, sql } from 'drizzle-orm'
import { recipientsForgottenMax, recipientTokenTtlMs } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { notificationChannels, notificationEmails } from '../../db/schema_alerts.ts'
import { reports } from '../../db/schema_jobs.ts'

/**
 * Forgets addresses that confirmed once no channel and no report of their organization names them: who was taken out is asked before
 * anything goes there again. Those that did not answer while their token was good are forgotten as well.
 */
export async function forgetRecipients(ctx: BaseCtx): Promise<void> {
  const ofChannel = eq(notificationChannels.organizationId, notificationEmails.organizationId)
  const inChannel = sql`select 1 from ${notificationChannels}, json_each(${notificationChannels.config}, '$.to') as "named"
    where ${ofChannel} and "named".value = ${notificationEmails.email}`
  const inReport = sql`select 1 from ${reports}, json_each(${reports.definition}, '$.to_emails') as "named"
    where ${eq(reports.organizationId, notificationEmails.organizationId)} and "named".value = ${notificationEmails.email}`
  const isUnnamed = sql`not exists (${inChannel}) and not exists (${inReport})`
  const isUnanswered = and(isNull(notificationEmails.confirmedAt), lte(notificationEmails.askedAt, ctx.now() - recipientTokenTtlMs))
  const old = or(isUnanswered, and(isNotNull(notificationEmails.confirmedAt), isUnnamed))
  const some = sql`rowid in (select rowid from ${notificationEmails} where ${old} limit ${recipientsForgottenMax})`
  const { changes } = (await ctx.db.delete(notificationEmails).where(some)).meta
  ctx.log.add({ recipients_forgotten: changes })
}
