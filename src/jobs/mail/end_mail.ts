import { and, eq } from 'drizzle-orm'
import type { BaseCtx } from '../../db/context.ts'
import { mails } from '../../db/schema_content.ts'
import { mailEndedStatements } from '../notify/mail_ended.ts'

export type MailEnd = 'sent' | 'failed' | 'suppressed'

/**
 * Writes down how a mail ended, with whatever hangs on it. Its parameters may hold a token, so they are forgotten; but for one that
 * failed, which staff may try again.
 */
export async function endMail(
  ctx: BaseCtx,
  { id, kind, ownerId }: Pick<typeof mails.$inferSelect, 'id' | 'kind' | 'ownerId'>,
  status: MailEnd,
  error: string | null,
): Promise<void> {
  const transport = status === 'sent' ? ctx.config.mail.transport : null
  const forget = status === 'failed' ? {} : { sealedParams: '' }
  await ctx.db.batch([
    ctx.db
      .update(mails)
      .set({ status, error, transport, ...forget, leaseUntil: 0, updatedAt: ctx.now() })
      .where(and(eq(mails.id, id), eq(mails.status, 'pending'))),
    ...mailEndedStatements(ctx, { kind, id, ownerId, status, error }),
  ])
}
