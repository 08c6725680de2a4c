import { eq, sql } from 'drizzle-orm'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { users } from '../../db/schema.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'

/** Ends every session of the caller. Sessions and tokens carry the version they were made under, so one row does it. */
export async function logoutAll(ctx: UserCtx): Promise<void> {
  const origin = { accountId: ctx.user.accountId, actor: auditPerson(ctx) }
  const entry = { action: 'auth.logout_all', target: { kind: 'user', id: ctx.user.id } }
  const self = eq(users.id, ctx.user.id)
  await ctx.db.batch([
    accountAuditStatement(ctx, origin, entry, sql`from ${users} where ${self}`),
    ctx.db
      .update(users)
      .set({ tokenVersion: sql`${users.tokenVersion} + 1`, updatedAt: ctx.now() })
      .where(self),
  ])
  ctx.waitUntil(endTailsOfPerson(ctx, ctx.user.id))
}
