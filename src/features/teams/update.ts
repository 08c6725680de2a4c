import { eq } from 'drizzle-orm'
import type * as z from 'zod'
import { problem } from '../../core/problems.ts'
import { auditEntry, changesOf } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { teams } from '../../db/schema_identity.ts'
import { teamNameKey } from './name_key.ts'
import type { patchTeamSchema, TeamJson } from './schema.ts'
import { findManagedTeam, findTeam, liveTeams, nameIsFree, nameIsTaken, nameTaken, teamJson } from './team.ts'

/** Changes name and description; a manager of the team may too. */
export async function updateTeam(ctx: TenantCtx, id: string, patch: z.output<typeof patchTeamSchema>): Promise<TeamJson> {
  const team = await findManagedTeam(ctx, id)
  const before = { name: team.name, description: team.description }
  const after = { name: patch.name ?? before.name, description: patch.description ?? before.description }
  const changes = changesOf(before, after)
  if (Object.keys(changes).length === 0) return teamJson(team)
  const { name, description } = after
  const now = ctx.now()
  // The entry says what was changed to what: that has to be true when both are written.
  const unchanged = [eq(teams.name, before.name), eq(teams.description, before.description)]
  const where = liveTeams(ctx, eq(teams.id, id), ...unchanged, nameIsFree(ctx, name, id))
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, { action: 'team.update', target: { kind: 'team', id }, changes }, teams, where),
    ctx.db
      .update(teams)
      .set({ name, description, nameKey: teamNameKey(name), updatedAt: now })
      .where(where)
      .returning({ id: teams.id }),
  ])
  if (rows.length > 0) return teamJson({ ...team, name, description, updatedAt: now })
  await findTeam(ctx, id)
  if (await nameIsTaken(ctx, name, id)) throw nameTaken()
  throw problem('conflict', 'The team was changed by somebody else at the same time. Look again.')
}
