import { asc, count, desc, or, sql } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
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
  { page, page_size, ordering, search }: z.output<typeof listTeamMembersQuery>,
): Promise<{ count: number; results: TeamMemberJson[] }> {
  await findTeam(ctx, teamId)
  const has = (column: typeof users.name | typeof users.email) => sql`instr(lower(${column}), lower(${search})) > 0`
  const found = search === undefined ? undefined : or(has(users.name), has(users.email))
  const direction = ordering.startsWith('-') ? desc : asc
  const column = columns[ordering.replace(/^-/, '') as keyof typeof columns]
  const [[total], rows] = await ctx.db.batch([
    ctx.db
      .select({ count: count() })
      .from(teamMemberships)
      .innerJoin(users, ofLiveUser)
      .where(teamMembership(ctx, teamId, found)),
    selectTeamMembers(ctx, teamId, found)
      .orderBy(direction(column), direction(teamMemberships.userId))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  return { count: total?.count ?? 0, results: rows.map(teamMemberJson) }
}
