import { eq } from 'drizzle-orm'
import { actorId, auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { teamMemberships } from '../../db/schema_identity.ts'
import { findManagedTeam, findTeam } from './team.ts'
import { noSuchTeamMember, teamMembership } from './team_member.ts'

/** Takes somebody out of a team; everybody may go by themselves. */
export async function removeTeamMember(ctx: TenantCtx, teamId: string, userId: string): Promise<void> {
  const leaves = userId === actorId(ctx.actor)
  await (leaves ? findTeam(ctx, teamId) : findManagedTeam(ctx, teamId))
  const where = teamMembership(ctx, teamId, eq(teamMemberships.userId, userId))
  const action = leaves ? 'team_membership.leave' : 'team_membership.remove'
  const entry = { action, target: { kind: 'user', id: userId }, details: { team_id: teamId } }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, teamMemberships, where),
    ctx.db.delete(teamMemberships).where(where).returning({ userId: teamMemberships.userId }),
  ])
  if (rows.length === 0) throw noSuchTeamMember()
}
