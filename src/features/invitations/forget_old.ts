import { and, inArray, lt, sql } from 'drizzle-orm'
import { invitationCleanupRowsMax, invitationKeptMs } from '../../core/limits.ts'
import type { TenantCtx } from '../../db/context.ts'
import { invitations } from '../../db/schema_identity.ts'
import { inTenant } from '../../db/tenant.ts'

/** Removes invitations that came to nothing, or to a member, long ago; the audit log remembers them. Part of each new one's batch. */
export function forgetOldInvitations(ctx: TenantCtx) {
  const old = inTenant(ctx, invitations, lt(invitations.expiresAt, ctx.now() - invitationKeptMs))
  const some = sql`(select ${invitations.id} from ${invitations} where ${old} limit ${invitationCleanupRowsMax})`
  return ctx.db.delete(invitations).where(and(old, inArray(invitations.id, some)))
}
