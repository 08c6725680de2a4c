import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { roleHas, roles } from '../../core/permissions.ts'
import type { Role } from '../../core/permissions.ts'
import type { TenantCtx } from '../../db/context.ts'
import { memberships } from '../../db/schema.ts'
import { invitations } from '../../db/schema_identity.ts'
import { inTenant } from '../../db/tenant.ts'

/** Roles that somebody of this role cannot invite to. */
export function rolesNotInvitedBy(role: Role): readonly Role[] {
  if (!roleHas(role, 'members:write')) return roles
  return roleHas(role, 'members:owners') ? [] : ['owner']
}

/**
 * Ends open invitations to these roles by somebody who may not invite to them any more: else who is removed could come
 * back through one sent before. Part of the batch that changes the membership, which `changes` finds.
 */
export function endInvitationsBy(ctx: TenantCtx, inviterId: string, to: readonly Role[], changes: SQL) {
  return ctx.db
    .update(invitations)
    .set({ revokedAt: ctx.now(), updatedAt: ctx.now() })
    .where(
      inTenant(
        ctx,
        invitations,
        and(eq(invitations.invitedBy, inviterId), inArray(invitations.role, [...to]), isNull(invitations.acceptedAt)),
        isNull(invitations.revokedAt),
        sql`exists (select 1 from ${memberships} where ${changes})`,
      ),
    )
}
