import { problem } from '../../core/problems.ts'
import type { UserCtx } from '../../db/context.ts'
import { endSession } from './end_session.ts'

/** Ends one session of the caller, on whatever device. */
export async function revokeSession(ctx: UserCtx, id: string): Promise<void> {
  if (!(await endSession(ctx, id, 'session.revoke'))) throw problem('not_found', 'There is no such session.')
}
