import { eq } from 'drizzle-orm'
import type { TeamRole } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { auditEntry, changesOf } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { teamMemberships } from '../../db/schema_identity.ts'
import type { TeamMemberJson } from './schema.ts'
import { findManagedTeam } from './team.ts'
import { findTeamMember, teamMemberJson, teamMembership } from './team_member.ts'

/** Makes a member of a team its manager, or a plain member again. */
export async function changeTeamMember(
  ctx: TenantCtx,
  teamId: string,
  { userId, role }: { userId: string; role: TeamRole },
): Promise<TeamMemberJson> {
  await findManagedTeam(ctx, teamId)
  const member = await findTeamMember(ctx, teamId, userId)
  const changes = changesOf({ role: member.role }, { role })
  if (Object.keys(changes).length === 0) return teamMemberJson(member)
  const where = teamMembership(ctx, teamId, eq(teamMemberships.userId, userId), eq(teamMemberships.role, member.role))
  const entry = { action: 'team_membership.change_role', target: { kind: 'user', id: userId }, details: { team_id: teamId }, changes }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, teamMemberships, where),
    ctx.db.update(teamMemberships).set({ role }).where(where).returning({ userId: teamMemberships.userId }),
  ])
  if (rows.length > 0) return teamMemberJson({ ...member, role })
  await findTeamMember(ctx, teamId, userId)
  throw problem('conflict', 'The role was changed by somebody else at the same time. Look again.')
}
