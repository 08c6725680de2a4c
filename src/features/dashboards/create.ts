import { eq, sql } from 'drizzle-orm'
import { dashboardsPerOrganizationMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { auditEntry, auditOrigin } from '../../db/audit.ts'
import { shortFields } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { dashboards } from '../../db/schema_content.ts'
import type { DashboardRow } from './dashboard.ts'
import { fieldsOf, ownDashboards, rowOf } from './dashboard.ts'
import type { CreateDashboard } from './schema.ts'

/** A new dashboard of the organization. Names may repeat: a copy is made by sending what GET gave. */
export async function createDashboard(ctx: TenantCtx, input: CreateDashboard): Promise<DashboardRow> {
  const { name, definition } = input
  const [id, now] = [ctx.newId(), ctx.now()]
  const { organizationId, actor } = auditOrigin(ctx)
  const entry = { action: 'dashboard.create', target: { kind: 'dashboard', id }, details: shortFields(fieldsOf(input)) }
  const [rows] = await ctx.db.batch([
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(dashboards)
      .select(
        sql`select ${organizationId}, ${id}, ${name}, ${JSON.stringify(definition)}, ${actor.id ?? actor.kind}, ${now}, ${now}
          where (select count(*) from ${dashboards} where ${ownDashboards(ctx)}) < ${dashboardsPerOrganizationMax}`,
      )
      .returning(),
    auditEntry(ctx, entry, dashboards, ownDashboards(ctx, eq(dashboards.id, id))),
  ])
  const row = rows[0]
  if (!row) throw problem('conflict', `An organization can have at most ${dashboardsPerOrganizationMax} dashboards. Delete some first.`)
  return rowOf(row)
}
