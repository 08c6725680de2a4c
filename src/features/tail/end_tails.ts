import type { BaseCtx } from '../../db/context.ts'

export type TailHolder = { kind: 'user' | 'session' | 'api_key'; id: string }

/**
 * Closes the live tails of a person, a session or an API key in one organization, when the right to them ended. Without
 * it they end by themselves within an hour.
 */
export async function endTails(ctx: BaseCtx, organizationId: string, { kind, id }: TailHolder): Promise<void> {
  await ctx.env.LIVE_TAIL.getByName(organizationId).revoke(`${kind}:${id}`)
}
