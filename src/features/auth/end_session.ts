import { sql } from 'drizzle-orm'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { sessions } from '../../db/schema.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'
import { liveSessions } from './live_sessions.ts'

/** Ends one session of the caller and tells whether it was there. Its tokens stop at once; its live tails end behind the answer. */
export async function endSession(ctx: UserCtx, id: string, action: 'auth.logout' | 'session.revoke'): Promise<boolean> {
  const where = liveSessions(ctx, id)
  const origin = { accountId: ctx.user.accountId, actor: auditPerson(ctx) }
  // The person is the target, so that it stands in the security log; the session that ended may be another than the actor's.
  const entry = { action, target: { kind: 'user', id: ctx.user.id }, details: { session_id: id } }
  const [, rows] = await ctx.db.batch([
    accountAuditStatement(ctx, origin, entry, sql`from ${sessions} where ${where}`),
    ctx.db.update(sessions).set({ revokedAt: ctx.now() }).where(where).returning({ id: sessions.id }),
  ])
  if (rows.length === 0) return false
  ctx.waitUntil(endTailsOfPerson(ctx, ctx.user.id, id))
  return true
}
