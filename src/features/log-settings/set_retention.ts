import { and, asc, eq, sql } from 'drizzle-orm'
import { fanOutMax } from '../../core/limits.ts'
import { auditOrigin, auditStatement } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { logShards, organizations } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { isTooShort, retentionShardColumns, tellShard } from './tell_shard.ts'

/**
 * Changes how long logs are kept. Expired ones are hidden at once, elsewhere within a minute, and removed by the schedule. A
 * longer term reaches every shard before this answers, so that none removes what is kept again; repeat it when it throws.
 */
export async function setRetention(ctx: TenantCtx, { days }: { days: number | null }): Promise<{ days: number | null }> {
  const { organizationId } = ctx.tenant
  const changes = and(eq(organizations.id, organizationId), sql`${organizations.retentionDays} is not ${days}`) ?? sql`false`
  const entry = { action: 'retention.update', target: { kind: 'organization', id: organizationId }, details: { days } }
  const [, , shards] = await ctx.db.batch([
    auditStatement(ctx, auditOrigin(ctx), entry, sql`from ${organizations} where ${changes}`),
    ctx.db
      .update(organizations)
      .set({ retentionDays: days, settingsVersion: sql`${organizations.settingsVersion} + 1`, updatedAt: ctx.now() })
      .where(changes),
    ctx.db
      .select({ ...retentionShardColumns, retentionDays: organizations.retentionDays, version: organizations.settingsVersion })
      .from(logShards)
      .innerJoin(organizations, eq(organizations.id, logShards.organizationId))
      .where(inTenant(ctx, logShards))
      .orderBy(asc(logShards.number)),
  ])
  const told = shards.filter(isTooShort)
  for (let i = 0; i < told.length; i += fanOutMax) await Promise.all(told.slice(i, i + fanOutMax).map((shard) => tellShard(ctx, shard)))
  return { days }
}
