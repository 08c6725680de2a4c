import { asc, count, desc, gt, isNull, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { deletedKeptMs } from '../../core/limits.ts'
import type { TenantCtx } from '../../db/context.ts'
import { teams } from '../../db/schema_identity.ts'
import { inTenant } from '../../db/tenant.ts'
import { teamNameKey } from './name_key.ts'
import type { listTeamsQuery, TeamJson } from './schema.ts'
import { teamColumns, teamJson } from './team.ts'

const columns = { name: teams.nameKey, created_at: teams.createdAt }

/** One page of the organization's teams, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listTeams(
  ctx: TenantCtx,
  { page, page_size, ordering, search, deleted }: z.output<typeof listTeamsQuery>,
): Promise<{ count: number; results: TeamJson[] }> {
  const where = inTenant(
    ctx,
    teams,
    // Only those that can still be restored.
    deleted === 'true' ? gt(teams.deletedAt, ctx.now() - deletedKeptMs) : isNull(teams.deletedAt),
    // instr and not LIKE: D1 limits patterns to 50 bytes, and `%` in a name means itself.
    search === undefined ? undefined : sql`instr(${teams.nameKey}, ${teamNameKey(search)}) > 0`,
  )
  const direction = ordering.startsWith('-') ? desc : asc
  const column = columns[ordering.replace(/^-/, '') as keyof typeof columns]
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(teams).where(where),
    ctx.db
      .select(teamColumns)
      .from(teams)
      .where(where)
      .orderBy(direction(column), direction(teams.id))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  return { count: total?.count ?? 0, results: rows.map(teamJson) }
}
