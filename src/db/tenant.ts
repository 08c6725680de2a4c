import { and, eq } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Tenant } from './context.ts'
import type { apiKeys, auditLog, logShards, memberships, tasks } from './schema.ts'

/** Tables whose rows belong to one organization. */
export type TenantTable = typeof apiKeys | typeof auditLog | typeof logShards | typeof memberships | typeof tasks

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
