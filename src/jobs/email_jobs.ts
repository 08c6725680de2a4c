import { and, eq } from 'drizzle-orm'
import { emailJobSchema } from '../core/jobs.ts'
import type { EmailJob } from '../core/jobs.ts'
import { mailParams } from '../core/mails.ts'
import type { MailKind } from '../core/mails.ts'
import type { BaseCtx } from '../db/context.ts'
import { mailParamsOf } from '../db/mails.ts'
import { mails } from '../db/schema_content.ts'
import type { MailText } from './mail_message.ts'
import { mailTexts } from './mail_texts.ts'
import type { MailPlace } from './mail_texts.ts'
import { deliver } from './outbox.ts'

/**
 * Handles a batch of `email-jobs`. Each message stands alone: one that fails, or that no schema takes, is retried and
 * ends in the dead-letter queue, where it can be looked at; the others are done.
 */
export async function consumeEmailJobs(ctx: BaseCtx, batch: MessageBatch): Promise<void> {
  for (const message of batch.messages) {
    try {
      await sendMail(ctx, emailJobSchema.parse(message.body))
      message.ack()
    } catch (error) {
      ctx.log.error('email job failed', error, { message_id: message.id, attempts: message.attempts })
      message.retry()
    }
  }
}

/** Sends a pending mail; one that is sent already, or whose act did not happen, needs nothing. */
async function sendMail(ctx: BaseCtx, { id }: EmailJob): Promise<void> {
  const [row] = await ctx.db
    .select()
    .from(mails)
    .where(and(eq(mails.id, id), eq(mails.status, 'pending')))
  if (row === undefined) return
  const text = write(row.kind, mailParamsOf(ctx, row), { to: row.recipient, publicUrl: ctx.config.publicUrl })
  await deliver(ctx, { id, ownerId: row.ownerId, to: row.recipient, writtenMs: row.createdAt }, text)
  // The parameters may hold a token: nobody needs them any more.
  await ctx.db.update(mails).set({ status: 'sent', sealedParams: '', updatedAt: ctx.now() }).where(eq(mails.id, id))
}

function write(kind: MailKind, params: unknown, place: MailPlace): MailText {
  // Both tables have the same kinds, which the compiler cannot see of a kind that it does not know.
  const text = mailTexts[kind] as (params: unknown, place: MailPlace) => MailText
  return text(mailParams[kind].parse(params), place)
}
