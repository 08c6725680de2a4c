import { and, eq, isNull } from 'drizzle-orm'
import type { BaseCtx, TenantCtx } from '../db/context.ts'
import { logSettingsColumns, logSettingsOf } from '../db/log_settings.ts'
import { ofLiveAccount } from '../db/live.ts'
import { accounts, organizations } from '../db/schema.ts'

/** What a job may want to say of the organization that it acts in. */
export interface OrganizationCtx {
  ctx: TenantCtx
  name: string
}

/**
 * A context of the system inside an organization; undefined when it, or its account, is deleted: what it wants done waits for its
 * restore. `organizationId` must come from a row or a message of ours, never from a caller.
 */
export async function tenantOf(base: BaseCtx, organizationId: string): Promise<OrganizationCtx | undefined> {
  const [row] = await base.db
    .select({ accountId: organizations.accountId, name: organizations.name, settings: logSettingsColumns })
    .from(organizations)
    .innerJoin(accounts, ofLiveAccount)
    .where(and(eq(organizations.id, organizationId), isNull(organizations.deletedAt)))
  if (row === undefined) return undefined
  const tenant = { organizationId, accountId: row.accountId, logSettings: logSettingsOf(row.settings) }
  return { ctx: { ...base, actor: { kind: 'system' }, tenant }, name: row.name }
}
