import { count, or } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { users } from '../../db/schema.ts'
import { teamMemberships } from '../../db/schema_identity.ts'
import type { listTeamMembersQuery, TeamMemberJson } from './schema.ts'
import { findTeam } from './team.ts'
import { ofLiveUser, selectTeamMembers, teamMemberJson, teamMembership } from './team_member.ts'

const columns = { name: users.name, email: users.email, joined_at: teamMemberships.createdAt }

/** One page of a team's members, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listTeamMembers(
  ctx: TenantCtx,
  teamId: string,
  query: z.output<typeof listTeamMembersQuery>,
): Promise<ListPage<TeamMemberJson>> {
  await findTeam(ctx, teamId)
  const found = or(holds(users.name, query.search), holds(users.email, query.search))
  const [totals, rows] = await ctx.db.batch([
    ctx.db
      .select({ count: count() })
      .from(teamMemberships)
      .innerJoin(users, ofLiveUser)
      .where(teamMembership(ctx, teamId, found)),
    selectTeamMembers(ctx, teamId, found)
      .orderBy(...orderOf(columns, query.ordering, teamMemberships.userId))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(totals, rows.map(teamMemberJson))
}
