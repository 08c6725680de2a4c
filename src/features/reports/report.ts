import { eq } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { nextCronMs } from '../../core/cron.ts'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { reports } from '../../db/schema_jobs.ts'
import { inTenant } from '../../db/tenant.ts'
import type { ReportDefinition, ReportJson } from './schema.ts'

export type ReportRow = Omit<typeof reports.$inferSelect, 'definition'> & { definition: ReportDefinition }

export function ownReports(ctx: { tenant: Pick<TenantCtx['tenant'], 'organizationId'> }, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant(ctx, reports, ...conditions)
}

/** Throws 404 for what is no report of this organization. */
export async function findReport(ctx: TenantCtx, id: string): Promise<ReportRow> {
  const [row] = await ctx.db
    .select()
    .from(reports)
    .where(ownReports(ctx, eq(reports.id, id)))
  if (!row) throw problem('not_found', 'There is no such report.')
  return rowOf(row)
}

/** Only what its schema allowed was stored. */
export function rowOf(row: typeof reports.$inferSelect): ReportRow {
  return { ...row, definition: row.definition as ReportDefinition }
}

/** When a report is due next after this moment; null while it is not enabled. */
export function nextReportMs(enabled: boolean, { cron, time_zone: timeZone }: ReportDefinition, afterMs: number): number | null {
  return enabled ? nextCronMs({ cron, timeZone }, afterMs) : null
}

export function reportJson(row: ReportRow): ReportJson {
  const { id, name, enabled, definition, lastRows, lastError, createdBy } = row
  return {
    id,
    name,
    enabled,
    next_at: timeOf(row.nextAt),
    last_run_at: timeOf(row.lastRunAt),
    last_rows: lastRows,
    last_error: lastError,
    created_by: createdBy,
    created_at: new Date(row.createdAt).toISOString(),
    updated_at: new Date(row.updatedAt).toISOString(),
    definition,
  }
}

/** Folder of the files of a report in R2; `organizationId` must be the authenticated one. */
export function reportFolder(organizationId: string, reportId: string): string {
  return `org/${organizationId}/reports/${reportId}/`
}

/** The parts that the audit log tells of. */
export function fieldsOf({ name, enabled, definition }: Pick<ReportRow, 'name' | 'enabled' | 'definition'>): Record<string, unknown> {
  return { name, enabled, ...definition }
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
