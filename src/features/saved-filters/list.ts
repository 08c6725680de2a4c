import { asc, count, desc, eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { savedFilters } from '../../db/schema_content.ts'
import type { listSavedFiltersQuery, SavedFilterJson } from './schema.ts'
import { filterJson, visibleFilters } from './visible.ts'

const columns = { name: savedFilters.name, created_at: savedFilters.createdAt, updated_at: savedFilters.updatedAt }

/** One page of the filters that the caller may see, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listSavedFilters(
  ctx: TenantCtx,
  { page, page_size, ordering, search, shared, owner_id }: z.output<typeof listSavedFiltersQuery>,
): Promise<{ count: number; results: SavedFilterJson[] }> {
  const where = visibleFilters(
    ctx,
    // instr and not LIKE: D1 limits patterns to 50 bytes, and `%` in a name means itself.
    search === undefined ? undefined : sql`instr(lower(${savedFilters.name}), lower(${search})) > 0`,
    shared === undefined ? undefined : eq(savedFilters.shared, shared === 'true'),
    owner_id === undefined ? undefined : eq(savedFilters.userId, owner_id),
  )
  const direction = ordering.startsWith('-') ? desc : asc
  const column = columns[ordering.replace(/^-/, '') as keyof typeof columns]
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(savedFilters).where(where),
    ctx.db
      .select()
      .from(savedFilters)
      .where(where)
      .orderBy(direction(column), direction(savedFilters.id))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  return { count: total?.count ?? 0, results: rows.map(filterJson) }
}
