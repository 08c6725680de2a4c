import { and, count, eq, gt, inArray, lte, sql } from 'drizzle-orm'
import { dayMs } from '../core/calendar.ts'
import { messageOf } from '../core/error_message.ts'
import type { EmailJob } from '../core/jobs.ts'
import {
  mailErrorCharsMax,
  mailGivenUpMs,
  mailLeaseMs,
  mailWindowMs,
  optionalMailsPerEmailDayMax,
  optionalMailsPerEmailHourMax,
} from '../core/limits.ts'
import { optionalMails } from '../core/mails.ts'
import type { MailKind } from '../core/mails.ts'
import type { BaseCtx } from '../db/context.ts'
import { isLeaseFree } from '../db/lease.ts'
import { users } from '../db/schema.ts'
import { mails } from '../db/schema_content.ts'
import { mailSuppressions } from '../db/schema_jobs.ts'
import { suppressBounce } from '../features/suppressions/suppress.ts'
import { endMail } from './mail/end_mail.ts'
import { MailError } from './mail/mail_error.ts'
import { preferenceOf, suppressionOf } from './mail/suppression.ts'
import type { Recipient } from './mail/suppression.ts'
import { transportOf } from './mail/transports.ts'
import { writeMail } from './mail/write_mail.ts'

type MailRow = typeof mails.$inferSelect

const optionalKinds = Object.keys(optionalMails) as MailKind[]

/**
 * Sends a pending mail; one that ended already, or whose act did not happen, needs nothing. While another delivery is at it this one
 * throws, to come again: that one may have died. Should a mail go out twice all the same, since an answer got lost, both have the
 * same Message-ID.
 */
export async function sendMail(ctx: BaseCtx, { id }: EmailJob): Promise<void> {
  const leaseUntil = ctx.now() + mailLeaseMs
  const { row, recipient, isPending } = await claim(ctx, id, leaseUntil)
  if (row === undefined) {
    if (isPending) throw new Error('another delivery of this mail is at it')
    return
  }
  const suppressed = suppressionOf(row.kind, recipient, ctx.now()) ?? overLimit(row.kind, recipient)
  if (suppressed !== null) return endMail(ctx, row, 'suppressed', suppressed)
  try {
    await transportOf(ctx.config.mail)(ctx, await writeMail(ctx, row))
  } catch (error) {
    return fail(ctx, row, error)
  }
  await endMail(ctx, row, 'sent', null)
}

/** Takes the mail for this delivery, unless it is another's, and reads what is known of its recipient. */
async function claim(
  ctx: BaseCtx,
  id: string,
  leaseUntil: number,
): Promise<{ row: MailRow | undefined; recipient: Recipient; isPending: boolean }> {
  const isPending = and(eq(mails.id, id), eq(mails.status, 'pending'))
  const to = ctx.db.select({ recipient: mails.recipient }).from(mails).where(eq(mails.id, id))
  const optionalSince = (ms: number) =>
    ctx.db
      .select({ count: count() })
      .from(mails)
      .where(
        and(eq(mails.recipient, to), gt(mails.createdAt, ctx.now() - ms), inArray(mails.kind, optionalKinds), eq(mails.status, 'sent')),
      )
  const [taken, suppressions, [user], [hour], [day], waiting] = await ctx.db.batch([
    ctx.db
      .update(mails)
      .set({ leaseUntil, attempts: sql`${mails.attempts} + 1`, updatedAt: ctx.now() })
      .where(and(isPending, isLeaseFree(mails.leaseUntil, ctx.now(), mailLeaseMs)))
      .returning(),
    ctx.db.select().from(mailSuppressions).where(eq(mailSuppressions.email, to)),
    ctx.db.select({ preferences: users.notificationPreferences }).from(users).where(eq(users.email, to)),
    optionalSince(mailWindowMs),
    optionalSince(dayMs),
    ctx.db.select({ id: mails.id }).from(mails).where(isPending),
  ])
  const recipient = {
    suppressions,
    preferences: user?.preferences ?? null,
    lastHour: hour?.count ?? 0,
    lastDay: day?.count ?? 0,
  }
  return { row: taken[0], recipient, isPending: waiting.length > 0 }
}

/** A tenant's alerts and reports must not fill somebody's mailbox. */
function overLimit(kind: MailKind, { lastHour, lastDay }: Recipient): string | null {
  if (preferenceOf(kind) === null) return null
  if (lastHour >= optionalMailsPerEmailHourMax) return `more than ${optionalMailsPerEmailHourMax} such mails to the address in an hour`
  if (lastDay >= optionalMailsPerEmailDayMax) return `more than ${optionalMailsPerEmailDayMax} such mails to the address in a day`
  return null
}

/** What never will be accepted has failed; what may be later is thrown, for the queue to try again. */
async function fail(ctx: BaseCtx, row: MailRow, error: unknown): Promise<void> {
  const reason = (error instanceof Error ? messageOf(error) : String(error)).slice(0, mailErrorCharsMax)
  if (error instanceof MailError) {
    ctx.log.add({ mail_id: row.id, mail_error: error.code })
    if (error.isSetup)
      ctx.log.error('no mail can be sent before somebody mends the settings', error, { transport: ctx.config.mail.transport })
    if (error.bounced) await suppressBounce(ctx, row.recipient, reason)
    if (error.permanent) return endMail(ctx, row, 'failed', reason)
  }
  await ctx.db
    .update(mails)
    .set({ error: reason, leaseUntil: 0, updatedAt: ctx.now() })
    .where(and(eq(mails.id, row.id), eq(mails.status, 'pending'), eq(mails.leaseUntil, row.leaseUntil)))
  throw error
}

/**
 * A mail whose message was given up stays as it is: the sweep sends it on until it is a day old, and says then that it failed. One that
 * is so old already has failed now.
 */
export async function giveUpMail(ctx: BaseCtx, { id }: EmailJob, reason: string): Promise<void> {
  const old = and(eq(mails.id, id), eq(mails.status, 'pending'), lte(mails.createdAt, ctx.now() - mailGivenUpMs))
  const [row] = await ctx.db.select().from(mails).where(old)
  if (row !== undefined) await endMail(ctx, row, 'failed', row.error ?? reason)
}
