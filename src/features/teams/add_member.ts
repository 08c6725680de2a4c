import { and, eq, isNull, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { memberships, users } from '../../db/schema.ts'
import { teamMemberships, teams } from '../../db/schema_identity.ts'
import { inTenant } from '../../db/tenant.ts'
import type { addTeamMemberSchema, TeamMemberJson } from './schema.ts'
import { findManagedTeam, findTeam, liveTeams } from './team.ts'
import { findTeamMember, selectTeamMembers, teamMemberJson, teamMembership } from './team_member.ts'

/** Puts a member of the organization into a team. Of others it does not tell whether they exist. */
export async function addTeamMember(
  ctx: TenantCtx,
  teamId: string,
  { user_id: userId, role }: z.output<typeof addTeamMemberSchema>,
): Promise<TeamMemberJson> {
  await findManagedTeam(ctx, teamId)
  const entry = { action: 'team_membership.create', target: { kind: 'user', id: userId }, details: { team_id: teamId, role } }
  const own = teamMembership(ctx, teamId, eq(teamMemberships.userId, userId))
  const may = inTenant(
    ctx,
    memberships,
    eq(memberships.userId, userId),
    sql`exists (select 1 from ${users} where ${and(eq(users.id, userId), isNull(users.deletedAt))})`,
    sql`exists (select 1 from ${teams} where ${liveTeams(ctx, eq(teams.id, teamId))})`,
    sql`not exists (select 1 from ${teamMemberships} where ${own})`,
  )
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, memberships, may),
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(teamMemberships)
      .select(sql`select ${ctx.tenant.organizationId}, ${teamId}, ${userId}, ${role}, ${ctx.now()} from ${memberships} where ${may}`)
      .returning(),
  ])
  if (rows.length > 0) return teamMemberJson(await findTeamMember(ctx, teamId, userId))
  await findTeam(ctx, teamId)
  const present = await selectTeamMembers(ctx, teamId, eq(teamMemberships.userId, userId))
  throw present.length > 0
    ? problem('conflict', 'The user is in the team already.')
    : problem('unprocessable', 'Only members of the organization can be in its teams: invite the person first.')
}
