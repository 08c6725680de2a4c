import { eq } from 'drizzle-orm'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { invitations } from '../../db/schema_identity.ts'
import { requireOwnershipRight } from '../members/owners.ts'
import { findInvitation, noSuchInvitation, openInvitations } from './open.ts'

/** The token in the mail is worthless from now on. */
export async function revokeInvitation(ctx: TenantCtx, id: string): Promise<void> {
  const { role } = await findInvitation(ctx, id)
  await requireOwnershipRight(ctx, role)
  const where = openInvitations(ctx, eq(invitations.id, id))
  const entry = { action: 'invitation.revoke', target: { kind: 'invitation', id }, details: { role } }
  const now = ctx.now()
  const [, revoked] = await ctx.db.batch([
    auditEntry(ctx, entry, invitations, where),
    ctx.db.update(invitations).set({ revokedAt: now, updatedAt: now }).where(where).returning({ id: invitations.id }),
  ])
  if (revoked.length === 0) throw noSuchInvitation()
}
