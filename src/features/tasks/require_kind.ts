import { and, eq, isNull, sql } from 'drizzle-orm'
import { requireRecentPassword } from '../../core/step_up.ts'
import { taskRules } from '../../core/tasks.ts'
import type { TaskKind } from '../../core/tasks.ts'
import { problem } from '../../core/problems.ts'
import { requirePermission } from '../../db/actor_may.ts'
import type { TenantCtx } from '../../db/context.ts'
import { organizations, sessions } from '../../db/schema.ts'

/** Throws 403 unless the caller may start tasks of this kind: the right to what they do, and the proofs that it asks for. */
export async function requireKind(ctx: TenantCtx, kind: TaskKind): Promise<void> {
  requireRight(ctx, kind)
  const { needs, stepUp } = taskRules[kind]
  // Keys prove no password.
  if (!stepUp || ctx.actor.kind !== 'user') return
  const strict = and(
    eq(organizations.accountId, ctx.tenant.accountId),
    eq(organizations.requireSecondFactor, true),
    isNull(organizations.deletedAt),
  )
  const [session] = await ctx.db
    .select({
      provedMs: sessions.passwordProvedAt,
      secondFactorAt: sessions.secondFactorAt,
      // Who reaches into the account reaches into all its organizations.
      isWanted: sql<number>`exists (select 1 from ${organizations} where ${strict})`.as('is_wanted'),
    })
    .from(sessions)
    .where(eq(sessions.id, ctx.actor.sessionId))
  if (needs === 'account_admin' && session?.isWanted === 1 && session.secondFactorAt === null)
    throw problem('second_factor_required', 'An organization of this account wants a second factor: set one up, then log in with it.')
  requireRecentPassword(ctx.now(), session?.provedMs ?? 0)
}

/** Throws 403 unless the caller may do what tasks of this kind do, and so read what they write. */
export function requireRight(ctx: Pick<TenantCtx, 'actor'>, kind: TaskKind): void {
  const { needs } = taskRules[kind]
  if (needs === null) return
  if (needs !== 'account_admin') return requirePermission(ctx, needs, `A task of kind ${kind}`)
  if (ctx.actor.kind !== 'user' || !ctx.actor.roles.includes('account_admin'))
    throw problem('forbidden', `A task of kind ${kind} is for people with a role in the account that the organization belongs to.`)
}
