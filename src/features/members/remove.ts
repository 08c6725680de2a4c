import { and, eq, sql } from 'drizzle-orm'
import { roles } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { actorId, auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { moveDefaults } from '../../db/default_organization.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { memberships } from '../../db/schema.ts'
import { teamMemberships } from '../../db/schema_identity.ts'
import { inTenant } from '../../db/tenant.ts'
import { endInvitationsBy } from '../invitations/end_by_inviter.ts'
import { endTails } from '../tail/end_tails.ts'
import { findMember } from './member.ts'
import type { Member } from './member.ts'
import { lastOwner, ownerStays, requireOwnershipRight } from './owners.ts'

/**
 * Ends a membership: with it go the member's teams here, live tails and the invitations that the member sent, and another
 * organization becomes the member's default one. Sessions go on, for other organizations. The last owner stays.
 */
export async function removeMember(ctx: TenantCtx, userId: string): Promise<void> {
  const member = await findMember(ctx, userId)
  await requireOwnershipRight(ctx, member.role)
  await endMembership(ctx, member)
}

/** Whoever is a member may go, but for the last owner. */
export async function leaveOrganization(ctx: TenantCtx): Promise<void> {
  const userId = actorId(ctx.actor)
  if (ctx.actor.kind !== 'user' || userId === null) throw problem('forbidden', 'Only people are members.')
  await endMembership(ctx, await findMember(ctx, userId))
}

async function endMembership(ctx: TenantCtx, member: Member): Promise<void> {
  const { userId } = member
  if (!(await deleteMembership(ctx, member))) {
    const { role } = await findMember(ctx, userId)
    throw role === member.role ? lastOwner() : problem('conflict', 'The role was changed by somebody else at the same time. Look again.')
  }
  ctx.waitUntil(endTails(ctx, ctx.tenant.organizationId, { kind: 'user', id: userId }))
}

/** False when the member has another role by now, is gone, or is the last owner. */
async function deleteMembership(ctx: TenantCtx, { userId, email, role, organizationName }: Member): Promise<boolean> {
  const { organizationId } = ctx.tenant
  const may = inTenant(ctx, memberships, and(eq(memberships.userId, userId), eq(memberships.role, role), ownerStays(ctx, userId, role)))
  const goes = sql`exists (select 1 from ${memberships} where ${may})`
  const action = userId === actorId(ctx.actor) ? 'membership.leave' : 'membership.remove'
  const entry = { action, target: { kind: 'user', id: userId }, changes: { role: { before: role, after: null } } }
  const params = { thing: 'organization', name: organizationName } as const
  const mail = newMail(ctx, 'membership_removed', { to: email, ownerId: organizationId }, params, sql`from ${memberships} where ${may}`)
  const results = await ctx.db.batch([
    auditEntry(ctx, entry, memberships, may),
    mail.statement,
    ctx.db.delete(teamMemberships).where(inTenant(ctx, teamMemberships, eq(teamMemberships.userId, userId), goes)),
    endInvitationsBy(ctx, userId, roles, may),
    moveDefaults(ctx, sql`select ${memberships.organizationId} from ${memberships} where ${may}`, sql`${userId}`),
    ctx.db.delete(memberships).where(may).returning({ userId: memberships.userId }),
  ])
  if (results[5].length === 0) return false
  queueMails(ctx, [mail])
  return true
}
