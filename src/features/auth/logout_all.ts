import { eq, sql } from 'drizzle-orm'
import type { UserCtx } from '../../db/context.ts'
import { users } from '../../db/schema.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'

/** Ends every session of the caller. Sessions and tokens carry the version they were made under, so one row does it. */
export async function logoutAll(ctx: UserCtx): Promise<void> {
  await ctx.db
    .update(users)
    .set({ tokenVersion: sql`${users.tokenVersion} + 1`, updatedAt: ctx.now() })
    .where(eq(users.id, ctx.user.id))
  ctx.waitUntil(endTailsOfPerson(ctx, ctx.user.id))
}
