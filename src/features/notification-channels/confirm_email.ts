import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import { recipientTokenTtlMs } from '../../core/limits.ts'
import { auditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { invalidOneTimeToken } from '../../db/one_time_tokens.ts'
import { accounts, organizations } from '../../db/schema.ts'
import { notificationEmails } from '../../db/schema_alerts.ts'
import { hashSecretToken } from '../../db/secret_token.ts'
import { liftBounce, liftUnsubscribe } from '../suppressions/lift.ts'

/**
 * The owner of an address wants what an organization sends it. Throws 400 for a token that is unknown, used, replaced by a newer one
 * or too old, and for one of an organization that is gone.
 */
export async function confirmRecipient(ctx: BaseCtx, token: string): Promise<void> {
  const now = ctx.now()
  const live = sql`exists (select 1 from ${organizations} join ${accounts} on ${eq(accounts.id, organizations.accountId)}
    where ${and(eq(organizations.id, notificationEmails.organizationId), isNull(organizations.deletedAt), isNull(accounts.deletedAt))})`
  const where = and(
    eq(notificationEmails.tokenHash, hashSecretToken(token)),
    isNull(notificationEmails.confirmedAt),
    gt(notificationEmails.askedAt, now - recipientTokenTtlMs),
    live,
  )
  const [found] = await ctx.db.select().from(notificationEmails).where(where)
  if (found === undefined) throw invalidOneTimeToken()
  const { organizationId, email } = found
  // Whoever has the token of the mail showed no more than that.
  const actor = { kind: 'user', id: null } as const
  const entry = { action: 'notification_email.confirm', target: { kind: 'notification_email', id: email } }
  const [, rows] = await ctx.db.batch([
    auditStatement(ctx, { organizationId, actor }, entry, sql`from ${notificationEmails} where ${where}`),
    ctx.db
      .update(notificationEmails)
      // No token has an empty hash: this one is used up.
      .set({ confirmedAt: now, tokenHash: '' })
      .where(where)
      .returning({ email: notificationEmails.email }),
    // What the address said no to before, and that no mail came through, is over.
    liftUnsubscribe(ctx, email),
    liftBounce(ctx, email),
  ])
  if (rows.length === 0) throw invalidOneTimeToken()
  ctx.log.add({ organization_id: organizationId })
}
