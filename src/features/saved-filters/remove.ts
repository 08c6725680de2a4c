import { eq } from 'drizzle-orm'
import { requirePermission } from '../../db/actor_may.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { savedFilters } from '../../db/schema_content.ts'
import { filterDetails } from './audit.ts'
import { findFilter, noSuchFilter, visibleFilters } from './visible.ts'

/** Deletes a filter for ever: an own one, or, with the right to share, one that is shared. */
export async function deleteSavedFilter(ctx: TenantCtx, id: string): Promise<void> {
  const filter = await findFilter(ctx, id)
  if (filter.shared) requirePermission(ctx, 'saved_filters:share', 'Deleting a shared filter')
  // Should it be shared just now, it is not the one that was asked about.
  const where = visibleFilters(ctx, eq(savedFilters.id, id), eq(savedFilters.shared, filter.shared))
  const entry = { action: 'saved_filter.delete', target: { kind: 'saved_filter', id }, details: filterDetails(filter) }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, savedFilters, where),
    ctx.db.delete(savedFilters).where(where).returning({ id: savedFilters.id }),
  ])
  if (rows.length === 0) throw noSuchFilter()
}
