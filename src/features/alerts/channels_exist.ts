import { inArray, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { invalidField } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { notificationChannels } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'

/** Whether all these channels are the organization's, as a condition for the write that names them. No id may come twice. */
export function channelsExist(ctx: TenantCtx, ids: readonly string[]): SQL {
  if (ids.length === 0) return sql`true`
  return sql`(select count(*) from ${notificationChannels} where ${ofIds(ctx, ids)}) = ${ids.length}`
}

/** Throws 400 naming those that the organization does not have. */
export async function requireChannels(ctx: TenantCtx, ids: readonly string[]): Promise<void> {
  const found = await ctx.db.select({ id: notificationChannels.id }).from(notificationChannels).where(ofIds(ctx, ids))
  const missing = ids.filter((id) => !found.some((row) => row.id === id))
  if (missing.length > 0)
    throw invalidField('definition.channel_ids', `must be channels of the organization: ${missing.join(', ')} is none`)
}

function ofIds(ctx: TenantCtx, ids: readonly string[]): SQL {
  return inTenant(ctx, notificationChannels, inArray(notificationChannels.id, [...ids]))
}
