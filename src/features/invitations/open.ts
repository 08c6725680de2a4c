import { and, eq, gt, isNull, not, or } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Permission, Role } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { isoOf } from '../../core/time.ts'
import type { BaseCtx, TenantCtx } from '../../db/context.ts'
import { personMay } from '../../db/actor_may.ts'
import { organizations } from '../../db/schema.ts'
import { invitations } from '../../db/schema_identity.ts'
import { hashSecretToken } from '../../db/secret_token.ts'
import { inTenant } from '../../db/tenant.ts'
import type { InvitationJson } from './schema.ts'

type InvitationRow = typeof invitations.$inferSelect

/** The invitations that its lists show: neither accepted nor revoked; an expired one can be sent again. */
export function openInvitations(ctx: TenantCtx, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant(ctx, invitations, isNull(invitations.acceptedAt), isNull(invitations.revokedAt), ...conditions)
}

export async function findInvitation(ctx: TenantCtx, id: string): Promise<InvitationRow> {
  const [row] = await ctx.db
    .select()
    .from(invitations)
    .where(openInvitations(ctx, eq(invitations.id, id)))
  if (!row) throw noSuchInvitation()
  return row
}

/** The invitation whose newest mail carries this token, as long as it can be accepted. */
export function liveByToken(ctx: BaseCtx, token: string): SQL | undefined {
  return and(
    eq(invitations.tokenHash, hashSecretToken(token)),
    isNull(invitations.acceptedAt),
    isNull(invitations.revokedAt),
    gt(invitations.expiresAt, ctx.now()),
  )
}

/** What inviting to a role needs: who may do so with owners may with everybody. */
export function rightToInvite(role: Role): Permission {
  return role === 'owner' ? 'members:owners' : 'members:write'
}

/**
 * Whether who sent the invitation may still invite to its role, in a query with its organization: a right that was taken away,
 * in the organization or in its account, must not go on in tokens sent before.
 */
export function inviterStillMay(): SQL | undefined {
  const sender = { userId: invitations.invitedBy, organizationId: organizations.id, accountId: organizations.accountId }
  const ofOwner = eq(invitations.role, 'owner')
  return or(and(not(ofOwner), personMay(rightToInvite('member'), sender)), and(ofOwner, personMay(rightToInvite('owner'), sender)))
}

export function noSuchInvitation() {
  return problem('not_found', 'There is no such invitation.')
}

export function invitationJson(row: InvitationRow, nowMs: number): InvitationJson {
  const { id, email, role, invitedBy, createdAt, updatedAt, expiresAt } = row
  return {
    id,
    email,
    role,
    status: expiresAt > nowMs ? 'pending' : 'expired',
    invited_by: invitedBy,
    created_at: isoOf(createdAt),
    updated_at: isoOf(updatedAt),
    expires_at: isoOf(expiresAt),
  }
}
