import { and, asc, eq, gt, lte, sql } from 'drizzle-orm'
import { alertNoticeSchema } from '../../core/alerts.ts'
import { backOffSeconds } from '../../core/back_off.ts'
import { minuteMs } from '../../core/calendar.ts'
import type { NotifyJob } from '../../core/jobs.ts'
import {
  jobRetrySecondsMax,
  notificationErrorCharsMax,
  notificationGivenUpMs,
  notificationLeaseMs,
  notificationsPerJobMax,
  notifyTurnMs,
} from '../../core/limits.ts'
import type { BaseCtx, TenantCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { isLeaseFree } from '../../db/lease.ts'
import { alertNotifications, notificationChannels } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import { channelRow } from '../../features/notification-channels/channel.ts'
import type { ChannelRow } from '../../features/notification-channels/channel.ts'
import { endedNotice } from '../../features/notification-channels/ended_notice.ts'
import { channelGone } from '../../features/notification-channels/remove.ts'
import type { Outcome } from '../../features/notification-channels/send/outcome.ts'
import { sendNotice } from '../../features/notification-channels/send/send_notice.ts'
import { afterCall, roomOf } from '../../features/notification-channels/send/limits.ts'
import { timeoutOf } from '../../features/notification-channels/send/timeout.ts'
import { tenantOf } from '../tenant.ts'

type Notification = typeof alertNotifications.$inferSelect

/**
 * Delivers what waits for a channel from a rule, the oldest first, and stops at the first that cannot be delivered now: what was told
 * first arrives first. A notice is claimed for a minute by who delivers it, so that no two consumers send it at once; one that died
 * before it wrote down what became of it leaves it to the next, which sends it again with the same id. A slow receiver's turn is
 * short: what is left goes to the end of the queue. Of a channel that rests, or was called as often as a minute allows, nothing goes out.
 */
export async function runNotify(base: BaseCtx, job: NotifyJob): Promise<void> {
  const found = await tenantOf(base, job.organization_id)
  if (found === undefined) return
  const { ctx } = found
  const { channel, room } = await channelOf(ctx, job.channel_id)
  const endMs = ctx.now() + notifyTurnMs
  for (let delivered = 0; delivered < notificationsPerJobMax && ctx.now() < endMs; delivered += 1) {
    // The sweep sends on what its channel may not be called for now.
    if (delivered >= room) return
    const claimed = await claimOldest(ctx, job)
    if (claimed === undefined) return
    const outcome = await attempt(ctx, channel, claimed)
    const delaySeconds = await record(ctx, claimed, outcome)
    if (delaySeconds !== undefined) return sendJobs(ctx, 'notify-jobs', [job], { delaySeconds })
  }
  await sendJobs(ctx, 'notify-jobs', [job])
}

/** Nothing is lost with a message: the sweep sends again what waits for a channel. */
export async function giveUpNotify(ctx: BaseCtx, job: NotifyJob, reason: string): Promise<void> {
  ctx.log.error('a message of notify-jobs was given up', new Error(reason), { organization_id: job.organization_id })
}

/** The channel, if it is there still, and the calls of it that are allowed now. */
async function channelOf(ctx: TenantCtx, id: string): Promise<{ channel: ChannelRow | undefined; room: number }> {
  const now = ctx.now()
  const [[row], called] = await ctx.db.batch([
    ctx.db
      .select()
      .from(notificationChannels)
      .where(inTenant(ctx, notificationChannels, eq(notificationChannels.id, id))),
    ctx.db
      .select({ calls: notificationChannels.calls, host: sql<string | null>`${notificationChannels.config} ->> '$.host'`.as('host') })
      .from(notificationChannels)
      .where(inTenant(ctx, notificationChannels, gt(notificationChannels.callsFrom, now - minuteMs))),
  ])
  // What waits for a channel that was deleted is failed, which calls nobody.
  if (row === undefined) return { channel: undefined, room: Infinity }
  const channel = channelRow(row)
  return { channel, room: roomOf(channel, called, now) }
}

function waitingFor(tenant: Pick<TenantCtx, 'tenant'>, job: NotifyJob) {
  return inTenant(
    tenant,
    alertNotifications,
    eq(alertNotifications.ruleId, job.rule_id),
    eq(alertNotifications.channelId, job.channel_id),
    eq(alertNotifications.status, 'pending'),
    sql`${alertNotifications.recipient} is null`,
  )
}

/** The oldest that waits, if it is due and nobody is at it: one statement, so of two consumers one gets it. */
async function claimOldest(ctx: TenantCtx, job: NotifyJob): Promise<Notification | undefined> {
  const now = ctx.now()
  const oldest = ctx.db
    .select({ id: alertNotifications.id })
    .from(alertNotifications)
    .where(waitingFor(ctx, job))
    .orderBy(asc(alertNotifications.id))
    .limit(1)
  const [row] = await ctx.db
    .update(alertNotifications)
    .set({ leaseUntil: now + notificationLeaseMs, attempts: sql`${alertNotifications.attempts} + 1` })
    .where(
      inTenant(
        ctx,
        alertNotifications,
        eq(alertNotifications.ruleId, job.rule_id),
        sql`${alertNotifications.id} = (${oldest})`,
        eq(alertNotifications.status, 'pending'),
        lte(alertNotifications.nextAttemptAt, now),
        isLeaseFree(alertNotifications.leaseUntil, now, notificationLeaseMs),
      ),
    )
    .returning()
  return row
}

async function attempt(ctx: TenantCtx, channel: ChannelRow | undefined, claimed: Notification): Promise<Outcome> {
  const { notice, error, attempts } = claimed
  const refused = (reason: string): Outcome => ({ kind: 'refused', error: reason, status: null, answer: null })
  if (channel === undefined) return refused(channelGone)
  // What waited behind others for a day was never tried, and is told all the same: the next one may be its end.
  if (attempts > 1 && sinceOf(claimed) <= ctx.now() - notificationGivenUpMs) return refused(error ?? 'It was not accepted within a day.')
  const parsed = alertNoticeSchema.safeParse(notice)
  return parsed.success
    ? sendNotice(ctx, channel, parsed.data, timeoutOf(channel, ctx.now()))
    : refused('The stored notice cannot be read.')
}

/** Writes down what became of an attempt; answers the seconds until the next one, or undefined where none follows. */
async function record(ctx: TenantCtx, row: Notification, outcome: Outcome): Promise<number | undefined> {
  const now = ctx.now()
  const waitMs = outcome.kind === 'unreachable' ? waitOf(row, outcome.retryAfterMs) : undefined
  // The last attempt is the one behind which no other falls into the day.
  const goesOn = waitMs !== undefined && now + waitMs < sinceOf(row) + notificationGivenUpMs
  const status = outcome.kind === 'accepted' ? 'sent' : goesOn ? 'pending' : 'failed'
  const error = outcome.kind === 'accepted' ? null : outcome.error.slice(0, notificationErrorCharsMax)
  const own = inTenant(ctx, alertNotifications, eq(alertNotifications.ruleId, row.ruleId), eq(alertNotifications.id, row.id))
  await ctx.db.batch([
    ctx.db
      .update(alertNotifications)
      .set({
        status,
        error,
        leaseUntil: 0,
        nextAttemptAt: goesOn ? now + waitMs : row.nextAttemptAt,
        updatedAt: now,
        ...(status !== 'pending' && { notice: endedNotice(status) }),
      })
      // Of two that were at it, the one that was accepted has the last word.
      .where(and(own, outcome.kind === 'accepted' ? undefined : eq(alertNotifications.leaseUntil, row.leaseUntil))),
    ctx.db
      .update(notificationChannels)
      .set(afterCall(error, now))
      .where(inTenant(ctx, notificationChannels, eq(notificationChannels.id, row.channelId))),
  ])
  ctx.log.add({ channel_id: row.channelId, notification_id: row.id, notification_status: status, ...(error !== null && { error }) })
  return goesOn ? Math.ceil(waitMs / 1000) : undefined
}

/** Where the day begins that a notice has. */
function sinceOf({ createdAt, retriedAt }: Notification): number {
  return retriedAt ?? createdAt
}

/** As long as the other side asked for, up to an hour; else longer each time. */
function waitOf({ id, attempts }: Notification, retryAfterMs: number | null): number {
  return retryAfterMs === null ? backOffSeconds(id, attempts) * 1000 : Math.min(retryAfterMs, jobRetrySecondsMax * 1000)
}
