import { and, eq, sql } from 'drizzle-orm'
import { messageOf } from '../core/error_message.ts'
import type { EmailJob } from '../core/jobs.ts'
import { mailErrorCharsMax } from '../core/limits.ts'
import { mailParams } from '../core/mails.ts'
import type { BaseCtx } from '../db/context.ts'
import { mailParamsOf } from '../db/mails.ts'
import { mails } from '../db/schema_content.ts'
import type { MailPlace, MailText } from '../features/mails/mail_text.ts'
import { mailTexts } from '../features/mails/mail_texts.ts'
import { deliver } from './outbox.ts'

/** Sends a pending mail; one that is sent already, or whose act did not happen, needs nothing. */
export async function sendMail(ctx: BaseCtx, { id }: EmailJob): Promise<void> {
  const isPending = and(eq(mails.id, id), eq(mails.status, 'pending'))
  const [row] = await ctx.db.select().from(mails).where(isPending)
  if (row === undefined) return
  const text = textOf(ctx, row)
  try {
    if (text instanceof Error) throw text
    await deliver(ctx, { id, ownerId: row.ownerId, to: row.recipient, writtenMs: row.createdAt }, text)
  } catch (error) {
    // A text that cannot be written never will be; what cannot be delivered may be later.
    const status = text instanceof Error ? 'failed' : 'pending'
    const reason = error instanceof Error ? messageOf(error).slice(0, mailErrorCharsMax) : 'unknown'
    await ctx.db
      .update(mails)
      .set({ status, error: reason, attempts: sql`${mails.attempts} + 1`, updatedAt: ctx.now() })
      .where(isPending)
    throw error
  }
  // The parameters may hold a token: nobody needs them any more.
  await ctx.db.update(mails).set({ status: 'sent', sealedParams: '', error: null, updatedAt: ctx.now() }).where(eq(mails.id, id))
}

/** A mail whose message was given up. */
export async function giveUpMail(ctx: BaseCtx, { id }: EmailJob, reason: string): Promise<void> {
  await ctx.db
    .update(mails)
    .set({ status: 'failed', error: sql`coalesce(${mails.error}, ${reason})`, updatedAt: ctx.now() })
    .where(and(eq(mails.id, id), eq(mails.status, 'pending')))
}

/** The text of a mail, or why there is none. */
function textOf(ctx: BaseCtx, row: typeof mails.$inferSelect): MailText | Error {
  const { kind, recipient: to } = row
  // Both tables have the same kinds, which the compiler cannot see of a kind that it does not know.
  const write = mailTexts[kind] as (params: unknown, place: MailPlace) => MailText
  try {
    return write(mailParams[kind].parse(mailParamsOf(ctx, row)), { to, publicUrl: ctx.config.publicUrl, unsubscribeUrl: null })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
