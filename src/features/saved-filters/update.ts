import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { requirePermission } from '../../db/actor_may.ts'
import { auditEntry, changesOf } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { memberships } from '../../db/schema.ts'
import { savedFilters } from '../../db/schema_content.ts'
import { inTenant } from '../../db/tenant.ts'
import { filterChange } from './audit.ts'
import type { SavedFilterJson, UpdateSavedFilter } from './schema.ts'
import { filterJson, findFilter, nameIsFree, nameIsTaken, nameTaken, personOf, visibleFilters } from './visible.ts'

/** Changes the named fields. What others see, before or after, takes the right to share; the owner stays. */
export async function updateSavedFilter(ctx: TenantCtx, id: string, change: UpdateSavedFilter): Promise<SavedFilterJson> {
  const before = await findFilter(ctx, id)
  const { name = before.name, definition = before.definition, shared = before.shared } = change
  if (before.shared || shared) requirePermission(ctx, 'saved_filters:share', 'Changing a shared filter')
  if (before.shared && !shared) await requireOwner(ctx, before.userId)
  const after = { name, definition, shared }
  if (Object.keys(changesOf({ ...before }, after)).length === 0) return filterJson(before)
  // What was read is what the audit entry calls the state before; the time rises with each change.
  const unchanged = eq(savedFilters.updatedAt, before.updatedAt)
  const where = visibleFilters(ctx, eq(savedFilters.id, id), unchanged, nameIsFree(ctx, { ...before, name }))
  const entry = { action: 'saved_filter.update', target: { kind: 'saved_filter', id }, ...filterChange(before, after) }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, savedFilters, where),
    ctx.db
      .update(savedFilters)
      .set({ name, definition, shared, updatedAt: Math.max(ctx.now(), before.updatedAt + 1) })
      .where(where)
      .returning(),
  ])
  const row = rows[0]
  if (row) return filterJson(row)
  await findFilter(ctx, id)
  if (await nameIsTaken(ctx, { ...before, name })) throw nameTaken()
  throw problem('conflict', 'The filter was changed by somebody else meanwhile. Look at it and try again.')
}

/** What is not shared any more is its owner's alone; without one who is a member it would be out of everybody's sight. */
async function requireOwner(ctx: TenantCtx, userId: string): Promise<void> {
  if (userId === personOf(ctx)) return
  const rows = await ctx.db
    .select({ userId: memberships.userId })
    .from(memberships)
    .where(inTenant(ctx, memberships, eq(memberships.userId, userId)))
  if (rows.length > 0) return
  throw problem('unprocessable', 'Who made this filter is no member any more, so that nobody would see it. Keep it shared, or delete it.')
}
