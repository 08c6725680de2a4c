import { asc, count, desc, sql } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { dashboards } from '../../db/schema_content.ts'
import { ownDashboards } from './dashboard.ts'
import type { listDashboardsQuery, ListedDashboard } from './schema.ts'

const orderColumns = { name: dashboards.name, created_at: dashboards.createdAt, updated_at: dashboards.updatedAt }

/** Without the panels, which are most of a dashboard. */
const shown = {
  id: dashboards.id,
  name: dashboards.name,
  createdBy: dashboards.createdBy,
  createdAt: dashboards.createdAt,
  updatedAt: dashboards.updatedAt,
  description: sql<string>`json_extract(${dashboards.definition}, '$.description')`.as('description'),
  panelCount: sql<number>`json_array_length(${dashboards.definition}, '$.panels')`.as('panel_count'),
}

/** One page of the organization's dashboards, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listDashboards(
  ctx: TenantCtx,
  { page, page_size, ordering, search }: z.output<typeof listDashboardsQuery>,
): Promise<{ count: number; results: ListedDashboard[] }> {
  // instr and not LIKE: D1 limits patterns to 50 bytes, and `%` in a name means itself.
  const where = ownDashboards(ctx, search === undefined ? undefined : sql`instr(lower(${dashboards.name}), lower(${search})) > 0`)
  const direction = ordering.startsWith('-') ? desc : asc
  const column = orderColumns[ordering.replace(/^-/, '') as keyof typeof orderColumns]
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(dashboards).where(where),
    ctx.db
      .select(shown)
      .from(dashboards)
      .where(where)
      .orderBy(direction(column), direction(dashboards.id))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  const results = rows.map(({ id, name, description, panelCount, createdBy, createdAt, updatedAt }) => ({
    id,
    name,
    description,
    panel_count: panelCount,
    created_by: createdBy,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
  }))
  return { count: total?.count ?? 0, results }
}
