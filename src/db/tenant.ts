import { and, eq } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Tenant } from './context.ts'
import type { apiKeys, logShards, memberships, tasks } from './schema.ts'
import type {
  alertBudgets,
  alertHistory,
  alertNotifications,
  alertRules,
  notificationChannels,
  notificationEmails,
  silences,
} from './schema_alerts.ts'
import type { auditLog } from './schema_audit.ts'
import type { dashboards, savedFilters } from './schema_content.ts'
import type { reportRuns, reports, usageDays } from './schema_jobs.ts'
import type { invitations, teamMemberships, teams } from './schema_identity.ts'

/** Tables whose rows belong to one organization. */
export type TenantTable =
  | typeof alertBudgets
  | typeof alertHistory
  | typeof alertNotifications
  | typeof alertRules
  | typeof apiKeys
  | typeof auditLog
  | typeof dashboards
  | typeof invitations
  | typeof logShards
  | typeof memberships
  | typeof notificationChannels
  | typeof notificationEmails
  | typeof reportRuns
  | typeof reports
  | typeof savedFilters
  | typeof silences
  | typeof tasks
  | typeof teamMemberships
  | typeof teams
  | typeof usageDays

/** Whose rows: a `TenantCtx`, or what a checked ticket names where nobody is signed in. */
interface TenantRef {
  readonly tenant: Pick<Tenant, 'organizationId'>
}

/**
 * The condition that every query on a tenant's table starts from: rows of the caller's organization and, of these, the ones
 * that `conditions` keep. The organization comes from the authenticated context, never from input.
 */
export function inTenant({ tenant }: TenantRef, table: TenantTable, ...conditions: (SQL | undefined)[]): SQL {
  const own = eq(table.organizationId, tenant.organizationId)
  return and(own, ...conditions) ?? own
}
