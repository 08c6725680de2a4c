import { and, eq } from 'drizzle-orm'
import type { BaseCtx } from '../../db/context.ts'
import { mailSuppressions } from '../../db/schema_jobs.ts'

/** The owner of an address asked for mails that can be ended: what was ended before is forgotten. A statement for the batch of the act. */
export function liftUnsubscribe(ctx: Pick<BaseCtx, 'db'>, email: string) {
  return ctx.db.delete(mailSuppressions).where(and(eq(mailSuppressions.email, email), eq(mailSuppressions.reason, 'unsubscribe')))
}

/** A token that only came by mail was used: the mailbox is there. A statement for the batch of the act. */
export function liftBounce(ctx: Pick<BaseCtx, 'db'>, email: string) {
  return ctx.db.delete(mailSuppressions).where(and(eq(mailSuppressions.email, email), eq(mailSuppressions.reason, 'bounce')))
}
