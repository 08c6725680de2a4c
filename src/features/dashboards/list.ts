import { count, sql } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
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
export async function listDashboards(ctx: TenantCtx, query: z.output<typeof listDashboardsQuery>): Promise<ListPage<ListedDashboard>> {
  const where = ownDashboards(ctx, holds(dashboards.name, query.search))
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(dashboards).where(where),
    ctx.db
      .select(shown)
      .from(dashboards)
      .where(where)
      .orderBy(...orderOf(orderColumns, query.ordering, dashboards.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
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
  return listPage(totals, results)
}
