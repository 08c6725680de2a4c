import { eq, sql } from 'drizzle-orm'
import { stepUpMs } from '../../core/limits.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { sessions } from '../../db/schema.ts'
import { provePassword } from './prove_password.ts'
import { release } from './throttle.ts'

/** Proves the password again, so that this session may do what needs a fresh proof; answers until when, in milliseconds. */
export async function confirmPassword(ctx: UserCtx, password: string): Promise<number> {
  const { attempt } = await provePassword(ctx, password)
  const now = ctx.now()
  const own = eq(sessions.id, ctx.sessionId)
  const origin = { accountId: ctx.user.accountId, actor: auditPerson(ctx) }
  const entry = { action: 'password.confirm', target: { kind: 'user', id: ctx.user.id } }
  await ctx.db.batch([
    release(ctx, attempt),
    accountAuditStatement(ctx, origin, entry, sql`from ${sessions} where ${own}`),
    ctx.db.update(sessions).set({ passwordProvedAt: now }).where(own),
  ])
  return now + stepUpMs
}
