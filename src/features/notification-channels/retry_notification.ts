import { and, eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { AlertNotice } from '../../core/alerts.ts'
import { problem } from '../../core/problems.ts'
import { requirePermission } from '../../db/actor_may.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { isWritten, mailBudgetSpent, newMail, queueMails } from '../../db/mails.ts'
import { alertNotifications, notificationChannels } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import { takePlace } from '../auth/throttle.ts'
import { ownChannels } from './channel.ts'
import { confirmedRecipients } from './recipients.ts'

type NotificationRow = typeof alertNotifications.$inferSelect

/**
 * Sends a notice that failed once more: it waits again, for another day, with the id that receivers know it by; of e-mail it becomes a
 * mail of its own. Throws `not_found` for none, and `conflict` for one that did not fail, whose channel is gone or names
 * the address no more, whose address has not confirmed, or when the organization may send no more mails now.
 */
export async function retryNotification(ctx: TenantCtx, { ruleId, id }: { ruleId: string; id: string }): Promise<void> {
  requirePermission(ctx, 'logs:read', 'Sending a notification, which tells of logs,')
  const own = inTenant(ctx, alertNotifications, eq(alertNotifications.ruleId, ruleId), eq(alertNotifications.id, id))
  const [row] = await ctx.db.select().from(alertNotifications).where(own)
  if (row === undefined) throw problem('not_found', 'There is no such notification.')
  if (row.status !== 'failed') throw notFailed()
  // Somebody may have taken the address out of the channel since.
  const isNamed =
    row.recipient === null
      ? undefined
      : sql`exists (select 1 from json_each(${notificationChannels.config}, '$.to') as "to" where "to".value = ${row.recipient})`
  const hasChannel = sql`exists (select 1 from ${notificationChannels} where ${ownChannels(ctx, eq(notificationChannels.id, row.channelId), isNamed)})`
  const where = and(own, eq(alertNotifications.status, 'failed'), hasChannel) ?? own
  await takePlace(ctx, { kind: 'notification_retry', subject: row.channelId, source: ctx.tenant.organizationId })
  const isDone = await (row.recipient === null ? again(ctx, row, where) : mailAgain(ctx, row, row.recipient, where))
  if (isDone) return
  const [channel] = await ctx.db
    .select({ isNamed: sql<number>`${isNamed ?? sql`1`}`.as('is_named') })
    .from(notificationChannels)
    .where(ownChannels(ctx, eq(notificationChannels.id, row.channelId)))
  if (channel === undefined) throw problem('conflict', 'Its channel was deleted.')
  if (channel.isNamed === 0) throw problem('conflict', 'Its channel does not name the address any more.')
  throw notFailed()
}

async function again(ctx: TenantCtx, row: NotificationRow, where: SQL): Promise<boolean> {
  const [, rows] = await ctx.db.batch([entry(ctx, row, where), waiting(ctx, row.id, where)])
  if (rows.length === 0) return false
  const { organizationId } = ctx.tenant
  await sendJobs(ctx, 'notify-jobs', [{ kind: 'notify', organization_id: organizationId, rule_id: row.ruleId, channel_id: row.channelId }])
  return true
}

/** The mail that failed is over: another one goes out, whose id the row takes. */
async function mailAgain(ctx: TenantCtx, row: NotificationRow, to: string, where: SQL): Promise<boolean> {
  const { organizationId } = ctx.tenant
  const confirmed = await confirmedRecipients(ctx, organizationId, [to])
  if (!confirmed.has(to)) throw problem('conflict', 'The address has not confirmed that it wants mails of this organization.')
  const id = ctx.newId()
  // Only what its schema allowed was stored.
  const notice = row.notice as AlertNotice
  const mail = newMail(ctx, 'alert', { to, ownerId: organizationId, id }, { notice }, sql`from ${alertNotifications} where ${where}`)
  const written = and(where, isWritten(mail)) ?? where
  const [, , rows] = await ctx.db.batch([mail.statement, entry(ctx, row, written), waiting(ctx, id, written)])
  if (rows.length === 0) {
    const stillFailed = await ctx.db.select({ id: alertNotifications.id }).from(alertNotifications).where(where)
    if (stillFailed.length > 0) throw problem('conflict', mailBudgetSpent)
    return false
  }
  queueMails(ctx, [mail])
  return true
}

function entry(ctx: TenantCtx, { id, channelId, error }: NotificationRow, where: SQL) {
  const details = { channel_id: channelId, error }
  return auditEntry(
    ctx,
    { action: 'alert_notification.retry', target: { kind: 'alert_notification', id }, details },
    alertNotifications,
    where,
  )
}

function waiting(ctx: TenantCtx, id: string, where: SQL) {
  const now = ctx.now()
  return (
    ctx.db
      .update(alertNotifications)
      // `created_at` stays: what tells of logs is not kept longer for it.
      .set({ id, status: 'pending', attempts: 0, error: null, nextAttemptAt: now, leaseUntil: 0, retriedAt: now, updatedAt: now })
      .where(where)
      .returning({ id: alertNotifications.id })
  )
}

function notFailed() {
  return problem('conflict', 'The notification did not fail: it was sent, or is on its way.')
}
