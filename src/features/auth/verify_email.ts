import { and, eq, isNull, sql } from 'drizzle-orm'
import { accountAuditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { endTokens, invalidOneTimeToken, spendToken, userOfToken } from '../../db/one_time_tokens.ts'
import { users } from '../../db/schema.ts'
import { liftBounce } from '../suppressions/lift.ts'

/** Confirms the e-mail of the token's user; with it all other tokens for that end. Throws 400 for a token that is not good. */
export async function verifyEmail(ctx: BaseCtx, token: string): Promise<void> {
  const userId = userOfToken(ctx, 'verify_email', token)
  const [user] = await ctx.db
    .select({ id: users.id, accountId: users.accountId, email: users.email })
    .from(users)
    .where(and(eq(users.id, userId), isNull(users.deletedAt)))
  if (!user) throw invalidOneTimeToken()
  const origin = { accountId: user.accountId, actor: { kind: 'user', id: user.id } } as const
  const entry = { action: 'email.verify', target: { kind: 'user', id: user.id } }
  const unverified = and(eq(users.id, userId), isNull(users.deletedAt), isNull(users.emailVerifiedAt))
  const results = await ctx.db.batch([
    accountAuditStatement(ctx, origin, entry, sql`from ${users} where ${unverified}`),
    ctx.db.update(users).set({ emailVerifiedAt: ctx.now(), updatedAt: ctx.now() }).where(unverified),
    endTokens(ctx, 'verify_email', userId, token),
    spendToken(ctx, 'verify_email', token),
    // The token came by mail, so the mailbox is there.
    liftBounce(ctx, user.email),
  ])
  if (results[3].length === 0) throw invalidOneTimeToken()
  ctx.log.add({ user_id: user.id })
}
