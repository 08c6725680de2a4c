import { eq, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import { notificationErrorCharsMax } from '../../core/limits.ts'
import type { MailKind } from '../../core/mails.ts'
import type { BaseCtx } from '../../db/context.ts'
import { alertNotifications, notificationChannels } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import { endedNotice } from '../../features/notification-channels/ended_notice.ts'

/** A mail that is over; of a mail about an organization's alert `ownerId` is the organization. */
export interface EndedMail {
  kind: MailKind
  id: string
  ownerId: string
  status: 'sent' | 'failed' | 'suppressed'
  error: string | null
}

/**
 * What the end of an alert's mail means for its notification, which has the same id, and for its channel: statements for the batch that
 * ends the mail. They do nothing for other mails, and nothing twice.
 */
export function mailEndedStatements(ctx: BaseCtx, { kind, id, ownerId, status, error }: EndedMail): BatchItem<'sqlite'>[] {
  if (kind !== 'alert') return []
  const now = ctx.now()
  const tenant = { tenant: { organizationId: ownerId } }
  // Pending ones are in an index of their own, so that the rule need not be known.
  const waiting = inTenant(tenant, alertNotifications, eq(alertNotifications.status, 'pending'), eq(alertNotifications.id, id))
  const reason = status === 'sent' ? null : (error ?? 'The address is not written to any more.').slice(0, notificationErrorCharsMax)
  const channelOf = sql`(select ${alertNotifications.channelId} from ${alertNotifications} where ${waiting})`
  return [
    ctx.db
      .update(notificationChannels)
      .set({ lastAttemptAt: now, lastError: reason })
      .where(inTenant(tenant, notificationChannels, sql`${notificationChannels.id} = ${channelOf}`)),
    ctx.db
      .update(alertNotifications)
      .set({
        status: status === 'sent' ? 'sent' : 'failed',
        attempts: sql`${alertNotifications.attempts} + 1`,
        error: reason,
        notice: endedNotice(status === 'sent' ? 'sent' : 'failed'),
        updatedAt: now,
      })
      .where(waiting),
  ]
}
