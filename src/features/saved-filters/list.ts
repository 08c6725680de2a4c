import { count, eq } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { savedFilters } from '../../db/schema_content.ts'
import type { listSavedFiltersQuery, SavedFilterJson } from './schema.ts'
import { filterJson, visibleFilters } from './visible.ts'

const columns = { name: savedFilters.name, created_at: savedFilters.createdAt, updated_at: savedFilters.updatedAt }

/** One page of the filters that the caller may see, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listSavedFilters(ctx: TenantCtx, query: z.output<typeof listSavedFiltersQuery>): Promise<ListPage<SavedFilterJson>> {
  const where = visibleFilters(
    ctx,
    holds(savedFilters.name, query.search),
    query.shared === undefined ? undefined : eq(savedFilters.shared, query.shared === 'true'),
    query.owner_id === undefined ? undefined : eq(savedFilters.userId, query.owner_id),
  )
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(savedFilters).where(where),
    ctx.db
      .select()
      .from(savedFilters)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, savedFilters.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(totals, rows.map(filterJson))
}
