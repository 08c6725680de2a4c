import { and, eq, sql } from 'drizzle-orm'
import { auditOrigin, auditStatement } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { organizations } from '../../db/schema.ts'

/** Changes how long logs are kept. Expired ones are hidden at once, elsewhere within a minute, and removed by the schedule. */
export async function setRetention(ctx: TenantCtx, { days }: { days: number | null }): Promise<{ days: number | null }> {
  const { organizationId } = ctx.tenant
  const changes = and(eq(organizations.id, organizationId), sql`${organizations.retentionDays} is not ${days}`) ?? sql`false`
  const entry = { action: 'retention.update', target: { kind: 'organization', id: organizationId }, details: { days } }
  await ctx.db.batch([
    auditStatement(ctx, auditOrigin(ctx), entry, sql`from ${organizations} where ${changes}`),
    ctx.db
      .update(organizations)
      .set({ retentionDays: days, settingsVersion: sql`${organizations.settingsVersion} + 1`, updatedAt: ctx.now() })
      .where(changes),
  ])
  return { days }
}
