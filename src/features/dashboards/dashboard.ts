import { eq } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { dashboards } from '../../db/schema_content.ts'
import { inTenant } from '../../db/tenant.ts'
import type { DashboardDefinition, DashboardJson } from './schema.ts'

export type DashboardRow = Omit<typeof dashboards.$inferSelect, 'definition'> & { definition: DashboardDefinition }

export type Panel = DashboardDefinition['panels'][number]

/** Whether a version, as `versionOf` names it, is one that the caller wants to change. */
export type IsWanted = (version: string) => boolean

export function ownDashboards(ctx: TenantCtx, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant(ctx, dashboards, ...conditions)
}

/** Throws 404 for what is no dashboard of this organization. */
export async function findDashboard(ctx: TenantCtx, id: string): Promise<DashboardRow> {
  const [row] = await ctx.db
    .select()
    .from(dashboards)
    .where(ownDashboards(ctx, eq(dashboards.id, id)))
  if (!row) throw noSuchDashboard()
  return rowOf(row)
}

/** Only what its schema allowed was stored. */
export function rowOf(row: typeof dashboards.$inferSelect): DashboardRow {
  return { ...row, definition: row.definition as DashboardDefinition }
}

/** Of all versions of a dashboard no two have the same name: the time rises with each change. */
export function versionOf({ updatedAt }: Pick<DashboardRow, 'updatedAt'>): string {
  return `"${updatedAt}"`
}

export function requireVersion(row: DashboardRow, isWanted: IsWanted): void {
  if (!isWanted(versionOf(row)))
    throw problem('precondition_failed', 'The dashboard is not the one that If-Match names. Look at it and try again.')
}

export function dashboardJson({ id, name, definition, createdBy, createdAt, updatedAt }: DashboardRow): DashboardJson {
  return {
    id,
    name,
    definition,
    created_by: createdBy,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
  }
}

function noSuchDashboard() {
  return problem('not_found', 'There is no such dashboard.')
}

/** The parts that the audit log tells of: each panel is one, by its id. */
export function fieldsOf({ name, definition }: Pick<DashboardRow, 'name' | 'definition'>): Record<string, unknown> {
  const { panels, ...others } = definition
  return { name, ...others, ...Object.fromEntries(panels.map(({ id, ...panel }) => [`panels.${id}`, panel])) }
}
