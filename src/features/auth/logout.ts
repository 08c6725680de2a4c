import type { UserCtx } from '../../db/context.ts'
import { endSession } from './end_session.ts'

/** Ends the caller's session: its refresh token and all its access tokens stop at once, and its live tails end. */
export async function logout(ctx: UserCtx): Promise<void> {
  await endSession(ctx, ctx.sessionId, 'auth.logout')
}
