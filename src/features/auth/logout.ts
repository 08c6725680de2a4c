import { and, eq, isNull } from 'drizzle-orm'
import type { UserCtx } from '../../db/context.ts'
import { sessions } from '../../db/schema.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'

/** Ends the caller's session: its refresh token and all its access tokens stop at once, and its live tails end. */
export async function logout(ctx: UserCtx): Promise<void> {
  await ctx.db
    .update(sessions)
    .set({ revokedAt: ctx.now() })
    .where(and(eq(sessions.id, ctx.sessionId), isNull(sessions.revokedAt)))
  ctx.waitUntil(endTailsOfPerson(ctx, ctx.user.id, ctx.sessionId))
}
