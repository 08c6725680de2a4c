import { and, sql } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { auditPerson } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { noPassword } from '../auth/password.ts'
import { deleteUser } from './delete_user.ts'
import { isMemberElsewhere, moveOut } from './move_out.ts'
import { lastOwnerOf, nothingAlong, ownershipOf } from './ownership.ts'
import { findUser, managesNothing, mayDeleteManagers, refuseManager, withinReach } from './user.ts'

/**
 * Deletes a user of the account. Unlike people who delete themselves, a user takes nothing along: who is the last owner of
 * anything stays (409 last_owner) until somebody else owns it. Who manages the account is deleted by its owners only, and who
 * is a member of other tenants is none of this account's to delete: such a person only leaves it.
 */
export async function removeUser(ctx: AccountCtx, id: string): Promise<void> {
  if (id === ctx.user.id) throw problem('forbidden', 'To delete yourself use DELETE /api/v1/auth/me.')
  const { row, accountRole } = await findUser(ctx, id)
  refuseManager(ctx, accountRole)
  const condition = and(withinReach(ctx, id), mayDeleteManagers(ctx) ? undefined : managesNothing(row.accountId))
  // Staff, who act for the deployment, delete people of other accounts wholly.
  const ofOwnAccount = row.accountId === ctx.account.id
  if (ofOwnAccount && (await moveOut(ctx, row, condition))) return
  const only = ofOwnAccount ? sql`not ${isMemberElsewhere(id, row.accountId)}` : undefined
  const freesEmail = row.passwordHash === noPassword
  const deletion = { user: row, along: nothingAlong, freesEmail, condition: and(condition, only), actor: auditPerson(ctx) }
  if (await deleteUser(ctx, deletion)) return
  const again = await findUser(ctx, id)
  refuseManager(ctx, again.accountRole)
  const owned = await ownershipOf(ctx, id)
  // The names are none of another tenant: who is in one was moved out, or joined it this moment.
  if (owned.organizations.length + owned.accounts.length > 0) throw lastOwnerOf(owned)
  throw problem('conflict', 'What the user owns changed at the same time. Try again.')
}
