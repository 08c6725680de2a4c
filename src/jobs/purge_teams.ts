import { and, asc, eq, lte, sql } from 'drizzle-orm'
import { purgeTeamsMax } from '../core/limits.ts'
import { auditStatement } from '../db/audit.ts'
import type { BaseCtx } from '../db/context.ts'
import { teamMemberships, teams } from '../db/schema_identity.ts'
import { inTenant } from '../db/tenant.ts'
import { purgeBeforeMs, sendPurge } from './purge_step.ts'

/** Removes some of an organization's teams that were deleted long ago, with who was in them. */
export async function purgeTeams(ctx: BaseCtx, organizationId: string): Promise<void> {
  const tenant = { tenant: { organizationId } }
  const due = lte(teams.deletedAt, purgeBeforeMs(ctx))
  const found = await ctx.db
    .select({ id: teams.id, name: teams.name })
    .from(teams)
    .where(inTenant(tenant, teams, due))
    .orderBy(asc(teams.id))
    .limit(purgeTeamsMax)
  for (const { id, name } of found) {
    const where = inTenant(tenant, teams, and(eq(teams.id, id), due))
    const origin = { organizationId, actor: { kind: 'system', id: null } } as const
    await ctx.db.batch([
      auditStatement(
        ctx,
        origin,
        { action: 'team.purge', target: { kind: 'team', id }, details: { name } },
        sql`from ${teams} where ${where}`,
      ),
      ctx.db.delete(teamMemberships).where(inTenant(tenant, teamMemberships, eq(teamMemberships.teamId, id))),
      ctx.db.delete(teams).where(where),
    ])
  }
  if (found.length === purgeTeamsMax) await sendPurge(ctx, 'teams', organizationId)
}
