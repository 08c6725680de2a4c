import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import { shortChangesOf } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { dashboards } from '../../db/schema_content.ts'
import type { DashboardRow, IsWanted } from './dashboard.ts'
import { fieldsOf, findDashboard, ownDashboards, requireVersion, rowOf } from './dashboard.ts'
import type { UpdateDashboard } from './schema.ts'

/** Changes name, definition or both; throws `precondition_failed` when the present version is not wanted. */
export async function updateDashboard(ctx: TenantCtx, id: string, change: UpdateDashboard, isWanted: IsWanted): Promise<DashboardRow> {
  const before = await findDashboard(ctx, id)
  requireVersion(before, isWanted)
  const { name = before.name, definition = before.definition } = change
  if (JSON.stringify([before.name, before.definition]) === JSON.stringify([name, definition])) return before
  const changes = shortChangesOf(fieldsOf(before), fieldsOf({ name, definition }))
  // What was read is what the audit entry calls the state before; the time rises with each change.
  const where = ownDashboards(ctx, eq(dashboards.id, id), eq(dashboards.updatedAt, before.updatedAt))
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, { action: 'dashboard.update', target: { kind: 'dashboard', id }, changes }, dashboards, where),
    ctx.db
      .update(dashboards)
      .set({ name, definition, updatedAt: Math.max(ctx.now(), before.updatedAt + 1) })
      .where(where)
      .returning(),
  ])
  const row = rows[0]
  if (row) return rowOf(row)
  requireVersion(await findDashboard(ctx, id), isWanted)
  throw problem('conflict', 'The dashboard was changed by somebody else meanwhile. Look at it and try again.')
}
