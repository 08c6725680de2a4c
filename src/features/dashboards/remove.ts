import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import { shortFields } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { dashboards } from '../../db/schema_content.ts'
import type { IsWanted } from './dashboard.ts'
import { fieldsOf, findDashboard, ownDashboards, requireVersion } from './dashboard.ts'

/** Deletes a dashboard for ever; throws `precondition_failed` when the present version is not wanted. */
export async function deleteDashboard(ctx: TenantCtx, id: string, isWanted: IsWanted): Promise<void> {
  const before = await findDashboard(ctx, id)
  requireVersion(before, isWanted)
  // What the entry tells is what is deleted.
  const where = ownDashboards(ctx, eq(dashboards.id, id), eq(dashboards.updatedAt, before.updatedAt))
  const entry = { action: 'dashboard.delete', target: { kind: 'dashboard', id }, details: shortFields(fieldsOf(before)) }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, dashboards, where),
    ctx.db.delete(dashboards).where(where).returning({ id: dashboards.id }),
  ])
  if (rows.length > 0) return
  await findDashboard(ctx, id)
  throw problem('conflict', 'The dashboard was changed by somebody else meanwhile. Look at it and try again.')
}
