import { and, eq, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { TenantCtx } from '../../db/context.ts'
import { organizations } from '../../db/schema.ts'

/** The caller's organization unless it is deleted, as a condition, and what else must hold. */
export function liveOrganization({ tenant }: Pick<TenantCtx, 'tenant'>, ...conditions: (SQL | undefined)[]): SQL {
  return and(eq(organizations.id, tenant.organizationId), isNull(organizations.deletedAt), ...conditions) ?? sql`false`
}
