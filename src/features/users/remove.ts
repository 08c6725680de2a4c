import { and } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { AccountCtx } from '../../db/context.ts'
import { deleteUser } from './delete_user.ts'
import { lastOwnerOf, nothingAlong, ownershipOf } from './ownership.ts'
import { findUser, managesNothing, mayDeleteManagers, refuseManager, withinReach } from './user.ts'

/**
 * Deletes a user of the account. Unlike people who delete themselves, a user takes nothing along: who is the last owner of
 * anything stays (409 last_owner) until somebody else owns it. Who manages the account is deleted by its owners only.
 */
export async function removeUser(ctx: AccountCtx, id: string): Promise<void> {
  if (id === ctx.user.id) throw problem('forbidden', 'To delete yourself use DELETE /api/v1/auth/me.')
  const { row, accountRole } = await findUser(ctx, id)
  refuseManager(ctx, accountRole)
  const condition = and(withinReach(ctx, id), mayDeleteManagers(ctx) ? undefined : managesNothing(row.accountId))
  if (await deleteUser(ctx, { user: row, along: nothingAlong, condition })) return
  const again = await findUser(ctx, id)
  refuseManager(ctx, again.accountRole)
  const owned = await ownershipOf(ctx, id)
  if (owned.organizations.length + owned.accounts.length > 0) throw lastOwnerOf(owned)
  throw problem('conflict', 'What the user owns changed at the same time. Try again.')
}
