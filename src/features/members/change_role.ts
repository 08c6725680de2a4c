import { and, eq, sql } from 'drizzle-orm'
import { roles } from '../../core/permissions.ts'
import type { Role } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { actorId, auditEntry, changesOf } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { memberships } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { endInvitationsBy, rolesNotInvitedBy } from '../invitations/end_by_inviter.ts'
import { findMember, memberJson } from './member.ts'
import type { Member } from './member.ts'
import { lastOwner, ownerStays, requireOwnershipRight } from './owners.ts'
import type { MemberJson } from './schema.ts'

/**
 * Gives a member another role, which counts from the member's next request on. Nobody raises the own role, and the last
 * owner stays owner. Live tails go on, as every role reads logs.
 */
export async function changeMemberRole(ctx: TenantCtx, { userId, role }: { userId: string; role: Role }): Promise<MemberJson> {
  const member = await findMember(ctx, userId)
  await requireOwnershipRight(ctx, member.role, role)
  if (member.role === role) return memberJson(member)
  if (userId === actorId(ctx.actor) && roles.indexOf(role) < roles.indexOf(member.role))
    throw problem('forbidden', 'Nobody can raise the own role; ask another manager.')
  if (await writeRole(ctx, member, role)) return memberJson({ ...member, role })
  const { role: present } = await findMember(ctx, userId)
  throw present === member.role ? lastOwner() : problem('conflict', 'The role was changed by somebody else at the same time. Look again.')
}

/** False when the member has another role by now, or is the last owner. */
async function writeRole(ctx: TenantCtx, { userId, email, role: before, organizationName }: Member, role: Role): Promise<boolean> {
  const { organizationId } = ctx.tenant
  const may = inTenant(ctx, memberships, and(eq(memberships.userId, userId), eq(memberships.role, before), ownerStays(ctx, userId, before)))
  const entry = { action: 'membership.change_role', target: { kind: 'user', id: userId }, changes: changesOf({ role: before }, { role }) }
  const params = { thing: 'organization', name: organizationName, role } as const
  const mail = newMail(ctx, 'membership_changed', { to: email, ownerId: organizationId }, params, sql`from ${memberships} where ${may}`)
  const results = await ctx.db.batch([
    auditEntry(ctx, entry, memberships, may),
    mail.statement,
    endInvitationsBy(ctx, userId, rolesNotInvitedBy(role), may),
    ctx.db.update(memberships).set({ role }).where(may).returning({ userId: memberships.userId }),
  ])
  if (results[3].length === 0) return false
  queueMails(ctx, [mail])
  return true
}
