import { count, gt, isNull, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { deletedKeptMs } from '../../core/limits.ts'
import type { TenantCtx } from '../../db/context.ts'
import { listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { teams } from '../../db/schema_identity.ts'
import { inTenant } from '../../db/tenant.ts'
import { teamNameKey } from './name_key.ts'
import type { listTeamsQuery, TeamJson } from './schema.ts'
import { teamColumns, teamJson } from './team.ts'

const columns = { name: teams.nameKey, created_at: teams.createdAt }

/** One page of the organization's teams, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listTeams(ctx: TenantCtx, query: z.output<typeof listTeamsQuery>): Promise<ListPage<TeamJson>> {
  const where = inTenant(
    ctx,
    teams,
    // Only those that can still be restored.
    query.deleted === 'true' ? gt(teams.deletedAt, ctx.now() - deletedKeptMs) : isNull(teams.deletedAt),
    // instr and not LIKE: D1 limits patterns to 50 bytes, and `%` in a name means itself.
    query.search === undefined ? undefined : sql`instr(${teams.nameKey}, ${teamNameKey(query.search)}) > 0`,
  )
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(teams).where(where),
    ctx.db
      .select(teamColumns)
      .from(teams)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, teams.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(totals, rows.map(teamJson))
}
