import { deleteUserTriesMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { deleteUser } from '../users/delete_user.ts'
import { lastOwnerOf, ownershipOf } from '../users/ownership.ts'

/**
 * Deletes the caller, with the organizations and the account that nobody else is in. Who is the last owner of something that
 * others are in stays (409 last_owner).
 */
export async function deleteMe(ctx: UserCtx): Promise<void> {
  for (let tries = 0; tries < deleteUserTriesMax; tries += 1) {
    const owned = await ownershipOf(ctx, ctx.user.id)
    const kept = { organizations: owned.organizations.filter(isShared), accounts: owned.accounts.filter(isShared) }
    if (kept.organizations.length + kept.accounts.length > 0) throw lastOwnerOf(kept)
    const along = { organizationIds: owned.organizations.map(idOf), accountIds: owned.accounts.map(idOf) }
    if (await deleteUser(ctx, { user: ctx.user, along, actor: auditPerson(ctx) })) return
  }
  throw problem('conflict', 'What you own changed at the same time. Try again.')
}

function isShared({ shared }: { shared: boolean }): boolean {
  return shared
}

function idOf({ id }: { id: string }): string {
  return id
}
