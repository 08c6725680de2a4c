import { and, eq, isNotNull, isNull, lte, ne, sql } from 'drizzle-orm'
import { hourMs } from '../../core/calendar.ts'
import {
  notificationGivenUpMs,
  notificationLeaseMs,
  notificationStuckMs,
  notificationSweepPerOrganizationMax,
  notificationSweepRowsMax,
} from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { isLeaseFree } from '../../db/lease.ts'
import { ofLiveAccount, ofLiveOrganization } from '../../db/live.ts'
import { accounts, organizations } from '../../db/schema.ts'
import { alertNotifications, notificationChannels } from '../../db/schema_alerts.ts'
import { mails } from '../../db/schema_content.ts'
import { endedNotice } from '../../features/notification-channels/ended_notice.ts'

/**
 * Sends notices on whose message was lost, or whose consumer died, of all organizations; a second message finds nothing to do. Notices
 * by e-mail follow their mails. Organizations take turns, and each has so many at most. What is older than a day, and one more hour
 * for who may be at it, has failed.
 */
export async function sweepNotifications(ctx: BaseCtx): Promise<void> {
  const now = ctx.now()
  const due = and(
    eq(alertNotifications.status, 'pending'),
    lte(alertNotifications.nextAttemptAt, now - notificationStuckMs),
    isLeaseFree(alertNotifications.leaseUntil, now, notificationLeaseMs),
  )
  await followMails(ctx)
  await ctx.db
    .update(alertNotifications)
    .set({
      status: 'failed',
      error: sql`coalesce(${alertNotifications.error}, 'It could not be sent within a day.')`,
      notice: endedNotice('failed'),
      updatedAt: now,
    })
    .where(
      and(due, sql`coalesce(${alertNotifications.retriedAt}, ${alertNotifications.createdAt}) <= ${now - notificationGivenUpMs - hourMs}`),
    )
  const isAwake = sql`coalesce(${notificationChannels.pausedUntil}, 0) <= ${now}`
  const rank = sql<number>`row_number() over (partition by ${alertNotifications.organizationId} order by min(${alertNotifications.nextAttemptAt}))`
  const waiting = ctx.db
    .select({
      organizationId: alertNotifications.organizationId,
      ruleId: alertNotifications.ruleId,
      channelId: alertNotifications.channelId,
      rank: rank.as('rank'),
    })
    .from(alertNotifications)
    // Those of deleted organizations wait for their restore, and must not fill every sweep.
    .innerJoin(organizations, ofLiveOrganization(alertNotifications.organizationId))
    .innerJoin(accounts, ofLiveAccount)
    .leftJoin(
      notificationChannels,
      and(
        eq(notificationChannels.organizationId, alertNotifications.organizationId),
        eq(notificationChannels.id, alertNotifications.channelId),
      ),
    )
    .where(and(due, isAwake, isNull(alertNotifications.recipient)))
    .groupBy(alertNotifications.organizationId, alertNotifications.ruleId, alertNotifications.channelId)
    .as('waiting')
  const stuck = await ctx.db
    .select({ organizationId: waiting.organizationId, ruleId: waiting.ruleId, channelId: waiting.channelId })
    .from(waiting)
    .where(sql`${waiting.rank} <= ${notificationSweepPerOrganizationMax}`)
    .orderBy(sql`${waiting.rank}`)
    .limit(notificationSweepRowsMax)
  await sendJobs(
    ctx,
    'notify-jobs',
    stuck.map(({ organizationId, ruleId, channelId }) => {
      return { kind: 'notify', organization_id: organizationId, rule_id: ruleId, channel_id: channelId } as const
    }),
  )
}

/** Mails that ended in another way than by their own job, which tells of its end by itself. */
async function followMails(ctx: BaseCtx): Promise<void> {
  const now = ctx.now()
  const mailOf = and(eq(mails.id, alertNotifications.id), ne(mails.status, 'pending'))
  const status = sql`(select case ${mails.status} when 'sent' then 'sent' else 'failed' end from ${mails} where ${mailOf})`
  await ctx.db
    .update(alertNotifications)
    .set({
      status,
      notice: endedNotice(status),
      error: sql`(select case ${mails.status} when 'sent' then null else coalesce(${mails.error}, ${mails.status}) end from ${mails} where ${mailOf})`,
      updatedAt: now,
    })
    .where(
      and(
        eq(alertNotifications.status, 'pending'),
        isNotNull(alertNotifications.recipient),
        lte(alertNotifications.nextAttemptAt, now - notificationStuckMs),
        sql`exists (select 1 from ${mails} where ${mailOf})`,
      ),
    )
}
