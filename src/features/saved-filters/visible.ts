import { and, eq, ne, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { savedFilters } from '../../db/schema_content.ts'
import { inTenant } from '../../db/tenant.ts'
import type { FilterDefinition, SavedFilterJson } from './schema.ts'

export type SavedFilterRow = typeof savedFilters.$inferSelect

/** The person who keeps filters; keys and jobs have none. */
export function personOf({ actor }: TenantCtx): string {
  if (actor.kind !== 'user') throw problem('forbidden', 'Filters are kept by people; an API key has none.')
  return actor.userId
}

/** Filters that the caller may see: own ones and those that are shared. Any other is not there. */
export function visibleFilters(ctx: TenantCtx, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant(ctx, savedFilters, or(eq(savedFilters.userId, personOf(ctx)), eq(savedFilters.shared, true)), ...conditions)
}

/** Throws 404 for what the caller may not see. */
export async function findFilter(ctx: TenantCtx, id: string): Promise<SavedFilterRow> {
  const [row] = await ctx.db
    .select()
    .from(savedFilters)
    .where(visibleFilters(ctx, eq(savedFilters.id, id)))
  if (!row) throw noSuchFilter()
  return row
}

interface Named {
  readonly id: string
  readonly userId: string
  readonly name: string
}

/** Whether no other filter of this person has the name, as a condition. */
export function nameIsFree(ctx: TenantCtx, named: Named): SQL {
  return sql`not exists (select 1 from ${savedFilters} where ${othersWithName(ctx, named)})`
}

export async function nameIsTaken(ctx: TenantCtx, named: Named): Promise<boolean> {
  const rows = await ctx.db.select({ id: savedFilters.id }).from(savedFilters).where(othersWithName(ctx, named))
  return rows.length > 0
}

export function filterJson({ id, name, definition, shared, userId, createdAt, updatedAt }: SavedFilterRow): SavedFilterJson {
  return {
    id,
    name,
    definition: definition as FilterDefinition,
    shared,
    owner_id: userId,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
  }
}

export function noSuchFilter() {
  return problem('not_found', 'There is no such filter.')
}

export function nameTaken() {
  return problem('conflict', 'Another filter of this person has this name.')
}

function othersWithName(ctx: TenantCtx, { id, userId, name }: Named): SQL {
  return inTenant(ctx, savedFilters, and(eq(savedFilters.userId, userId), eq(savedFilters.name, name), ne(savedFilters.id, id)))
}
