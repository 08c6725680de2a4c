import { eq } from 'drizzle-orm'
import type { BaseCtx } from '../../db/context.ts'
import { memberships } from '../../db/schema.ts'

export type TailHolder = { kind: 'user' | 'session' | 'api_key' | 'organization'; id: string }

/**
 * Closes the live tails of a person, a session, an API key or all of an organization, when the right to them ended. Tickets
 * given out before are refused. Without it tails end by themselves within an hour.
 */
export async function endTails(ctx: BaseCtx, organizationId: string, { kind, id }: TailHolder): Promise<void> {
  await ctx.env.LIVE_TAIL.getByName(organizationId).revoke(`${kind}:${id}`, ctx.now())
}

/** The same in every organization of the person, for all of the person's sessions or one of them. */
export async function endTailsOfPerson(ctx: BaseCtx, userId: string, sessionId?: string): Promise<void> {
  const holder: TailHolder = sessionId === undefined ? { kind: 'user', id: userId } : { kind: 'session', id: sessionId }
  const joined = await ctx.db.select({ organizationId: memberships.organizationId }).from(memberships).where(eq(memberships.userId, userId))
  await Promise.all(joined.map(({ organizationId }) => endTails(ctx, organizationId, holder)))
}
