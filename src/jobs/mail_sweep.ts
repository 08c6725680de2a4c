import { and, asc, eq, lt, lte, sql } from 'drizzle-orm'
import { uuidv7Bound } from '../core/ids.ts'
import { mailGivenUpMs, mailsKeptMs, mailsRemovedMax, mailStuckMs, mailSweepRowsMax, purgeObjectsMax } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { mails } from '../db/schema_content.ts'
import { removeMails } from './purge_step.ts'

/**
 * Sends mails on whose message was lost, or that could not be delivered for a while: a crash between writing a mail and sending
 * its message leaves one behind. Should the message live after all, the second one finds the mail sent. Gives up after a day.
 */
export async function sweepMails(ctx: BaseCtx): Promise<void> {
  const now = ctx.now()
  const pendingSince = (ms: number) => and(eq(mails.status, 'pending'), lte(mails.createdAt, now - ms))
  await ctx.db
    .update(mails)
    .set({ status: 'failed', error: sql`coalesce(${mails.error}, 'no message of the queue came through')`, updatedAt: now })
    .where(pendingSince(mailGivenUpMs))
  const stuck = await ctx.db
    .select({ id: mails.id, kind: mails.kind, requestId: mails.requestId })
    .from(mails)
    .where(pendingSince(mailStuckMs))
    .orderBy(asc(mails.createdAt))
    .limit(mailSweepRowsMax)
  await sendJobs(
    ctx,
    'email-jobs',
    stuck.map(({ requestId, ...job }) => ({ ...job, request_id: requestId ?? ctx.requestId })),
  )
}

/** Forgets mails of long ago, with their objects. */
export async function forgetOldMails(ctx: BaseCtx): Promise<void> {
  const old = lt(mails.id, uuidv7Bound(ctx.now() - mailsKeptMs))
  for (let removed = 0; removed < mailsRemovedMax; removed += purgeObjectsMax) if ((await removeMails(ctx, old)) === 'done') return
}
