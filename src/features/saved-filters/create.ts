import { eq, sql } from 'drizzle-orm'
import { savedFiltersPerOrganizationMax, savedFiltersPerUserMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { requirePermission } from '../../db/actor_may.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { savedFilters } from '../../db/schema_content.ts'
import { inTenant } from '../../db/tenant.ts'
import { filterDetails } from './audit.ts'
import type { CreateSavedFilter, SavedFilterJson } from './schema.ts'
import { filterJson, nameIsFree, nameIsTaken, nameTaken, personOf } from './visible.ts'

/** Keeps a filter of the caller's, for the caller or for all of the organization. */
export async function createSavedFilter(ctx: TenantCtx, input: CreateSavedFilter): Promise<SavedFilterJson> {
  const { name, definition, shared } = input
  if (shared) requirePermission(ctx, 'saved_filters:share', 'Sharing a filter')
  const [id, userId, now] = [ctx.newId(), personOf(ctx), ctx.now()]
  const own = inTenant(ctx, savedFilters, eq(savedFilters.userId, userId))
  const [rows] = await ctx.db.batch([
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(savedFilters)
      .select(
        sql`select ${ctx.tenant.organizationId}, ${id}, ${userId}, ${name}, ${JSON.stringify(definition)}, ${shared ? 1 : 0}, ${now}, ${now}
          where ${nameIsFree(ctx, { id, userId, name })}
          and (select count(*) from ${savedFilters} where ${own}) < ${savedFiltersPerUserMax}
          and (select count(*) from ${savedFilters} where ${inTenant(ctx, savedFilters)}) < ${savedFiltersPerOrganizationMax}`,
      )
      .returning(),
    auditEntry(
      ctx,
      { action: 'saved_filter.create', target: { kind: 'saved_filter', id }, details: filterDetails(input) },
      savedFilters,
      inTenant(ctx, savedFilters, eq(savedFilters.id, id)),
    ),
  ])
  const row = rows[0]
  if (row) return filterJson(row)
  if (await nameIsTaken(ctx, { id, userId, name })) throw nameTaken()
  const limits = `a person can keep at most ${savedFiltersPerUserMax} filters, an organization ${savedFiltersPerOrganizationMax}`
  throw problem('conflict', `There is no room: ${limits}. Delete some first.`)
}
