import { eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { teams } from '../../db/schema_identity.ts'
import { teamNameKey } from './name_key.ts'
import type { createTeamSchema, TeamJson } from './schema.ts'
import { hasRoom, liveTeams, nameIsFree, nameIsTaken, nameTaken, noRoom, teamJson } from './team.ts'

/** A new team without members; whoever manages teams adds them. */
export async function createTeam(ctx: TenantCtx, { name, description }: z.output<typeof createTeamSchema>): Promise<TeamJson> {
  const [id, now] = [ctx.newId(), ctx.now()]
  const entry = { action: 'team.create', target: { kind: 'team', id }, details: { name, description } }
  const [rows] = await ctx.db.batch([
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(teams)
      .select(
        sql`select ${ctx.tenant.organizationId}, ${id}, ${name}, ${description}, ${now}, ${now}, null, ${teamNameKey(name)}
          where ${nameIsFree(ctx, name, id)} and ${hasRoom(ctx)}`,
      )
      .returning(),
    auditEntry(ctx, entry, teams, liveTeams(ctx, eq(teams.id, id))),
  ])
  const row = rows[0]
  if (!row) throw (await nameIsTaken(ctx, name, id)) ? nameTaken() : noRoom()
  return teamJson({ ...row, memberCount: 0 })
}
