import { eq } from 'drizzle-orm'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { teams } from '../../db/schema_identity.ts'
import { liveTeams, noSuchTeam } from './team.ts'

/** Deletes a team softly: it keeps its members, and can be restored until the purge. */
export async function deleteTeam(ctx: TenantCtx, id: string): Promise<void> {
  const where = liveTeams(ctx, eq(teams.id, id))
  const now = ctx.now()
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, { action: 'team.delete', target: { kind: 'team', id } }, teams, where),
    ctx.db.update(teams).set({ deletedAt: now, updatedAt: now }).where(where).returning({ id: teams.id }),
  ])
  if (rows.length === 0) throw noSuchTeam()
}
