import { and, asc, eq, gt, lt, lte, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { uuidv7Bound } from '../core/ids.ts'
import {
  mailEventsKeptMs,
  mailGivenUpMs,
  mailLeaseMs,
  mailRetryStuckMs,
  mailsKeptMs,
  mailsRemovedMax,
  mailStuckMs,
  mailSweepRowsMax,
  purgeObjectsMax,
} from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { isLeaseFree } from '../db/lease.ts'
import { mails } from '../db/schema_content.ts'
import { mailEvents } from '../db/schema_jobs.ts'
import { endMail } from './mail/end_mail.ts'
import { removeMails } from './purge_step.ts'

/**
 * Sends mails on whose message was lost: a crash between writing a mail and sending its message leaves one behind, and the queue gives
 * up after some hours. One that failed lately still has its message, which comes again within `jobRetrySecondsMax`: it is left alone,
 * as is one that a delivery is at. Should the message live after all, the second one finds the mail sent. Gives up after a day.
 */
export async function sweepMails(ctx: BaseCtx): Promise<void> {
  const now = ctx.now()
  const waits = and(eq(mails.status, 'pending'), isLeaseFree(mails.leaseUntil, now, mailLeaseMs))
  const stuckMs = sql`case when ${mails.attempts} = 0 then ${mailStuckMs} else ${mailRetryStuckMs} end`
  // What was last touched long after now was so while a clock was wrong: that says nothing of its message.
  const isStuck = and(waits, or(sql`${mails.updatedAt} <= ${now} - ${stuckMs}`, gt(mails.updatedAt, now + mailRetryStuckMs)))
  // Nor is one given up that staff have just sent on again.
  await giveUpOld(ctx, and(isStuck, lte(mails.createdAt, now - mailGivenUpMs)))
  const stuck = await ctx.db
    .select({ id: mails.id, kind: mails.kind, requestId: mails.requestId })
    .from(mails)
    .where(isStuck)
    .orderBy(asc(mails.createdAt))
    .limit(mailSweepRowsMax)
  await sendJobs(
    ctx,
    'email-jobs',
    stuck.map(({ requestId, ...job }) => ({ ...job, request_id: requestId ?? ctx.requestId })),
  )
}

/** Mails that were not accepted for a day have failed; their tokens have expired by then. */
async function giveUpOld(ctx: BaseCtx, old: SQL | undefined): Promise<void> {
  const rows = await ctx.db.select().from(mails).where(old).orderBy(asc(mails.createdAt)).limit(mailSweepRowsMax)
  for (const row of rows) await endMail(ctx, row, 'failed', row.error ?? 'no message of the queue came through')
}

/** Forgets mails of long ago, with their objects, and which events of a mail service were seen. */
export async function forgetOldMails(ctx: BaseCtx): Promise<void> {
  await ctx.db.delete(mailEvents).where(lt(mailEvents.createdAt, ctx.now() - mailEventsKeptMs))
  const old = lt(mails.id, uuidv7Bound(ctx.now() - mailsKeptMs))
  for (let removed = 0; removed < mailsRemovedMax; removed += purgeObjectsMax) if ((await removeMails(ctx, old)) === 'done') return
}
