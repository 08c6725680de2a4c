import { eq, gt } from 'drizzle-orm'
import { deletedKeptMs } from '../../core/limits.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { teams } from '../../db/schema_identity.ts'
import { inTenant } from '../../db/tenant.ts'
import type { TeamJson } from './schema.ts'
import { findTeam, hasRoom, nameIsFree, nameIsTaken, nameTaken, noRoom, noSuchTeam, teamJson } from './team.ts'

/** Brings a deleted team back with the members it has, unless another one has taken its name. */
export async function restoreTeam(ctx: TenantCtx, id: string): Promise<TeamJson> {
  const now = ctx.now()
  // A comparison with null is not true, so a live team is none of these.
  const deleted = inTenant(ctx, teams, eq(teams.id, id), gt(teams.deletedAt, now - deletedKeptMs))
  const [team] = await ctx.db.select({ name: teams.name }).from(teams).where(deleted)
  if (!team) throw noSuchTeam()
  const where = inTenant(ctx, teams, deleted, nameIsFree(ctx, team.name, id), hasRoom(ctx))
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, { action: 'team.restore', target: { kind: 'team', id } }, teams, where),
    ctx.db.update(teams).set({ deletedAt: null, updatedAt: now }).where(where).returning({ id: teams.id }),
  ])
  if (rows.length === 0) throw (await nameIsTaken(ctx, team.name, id)) ? nameTaken() : noRoom()
  return teamJson(await findTeam(ctx, id))
}
