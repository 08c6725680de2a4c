import { and, eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { nextCronMs } from '../../core/cron.ts'
import { problem } from '../../core/problems.ts'
import { personMay } from '../../db/actor_may.ts'
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
  if (!row) throw noReport()
  return rowOf(row)
}

export function noReport() {
  return problem('not_found', 'There is no such report.')
}

/** The same with whether who made it may still have it: see `creatorMay`; undefined for what is no report of this organization. */
export async function findWithCreator(ctx: TenantCtx, id: string): Promise<{ report: ReportRow; isRightful: boolean } | undefined> {
  const [row] = await ctx.db
    .select({ report: reports, isRightful: sql<number>`${creatorMay(ctx)}`.as('is_rightful') })
    .from(reports)
    .where(ownReports(ctx, eq(reports.id, id)))
  return row && { report: rowOf(row.report), isRightful: row.isRightful === 1 }
}

/**
 * Condition: who made a report is here and may still read logs and send them out. Logs must not go on leaving on behalf of somebody
 * who was removed.
 */
export function creatorMay({ tenant }: Pick<TenantCtx, 'tenant'>): SQL | undefined {
  const person = { userId: reports.createdBy, organizationId: tenant.organizationId, accountId: tenant.accountId }
  return and(personMay('reports:write', person), personMay('logs:read', person))
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

/** Key in R2 of what a run found; `organizationId` must be the authenticated one. */
export function reportFileKey({ organizationId, reportId, dueAt }: { organizationId: string; reportId: string; dueAt: number }): string {
  return `org/${organizationId}/reports/${reportId}/${dueAt}.csv`
}

/** The parts that the audit log tells of. */
export function fieldsOf({ name, enabled, definition }: Pick<ReportRow, 'name' | 'enabled' | 'definition'>): Record<string, unknown> {
  return { name, enabled, ...definition }
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
