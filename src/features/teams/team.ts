import { and, eq, isNull, ne, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { teamsPerOrganizationMax } from '../../core/limits.ts'
import { roleHas } from '../../core/permissions.ts'
import type { TeamRole } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { actorId } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { users } from '../../db/schema.ts'
import { teamMemberships, teams } from '../../db/schema_identity.ts'
import { inTenant } from '../../db/tenant.ts'
import { teamNameKey } from './name_key.ts'
import type { TeamJson } from './schema.ts'
import { ofLiveUser } from './team_member.ts'

export interface Team {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly memberCount: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly deletedAt: number | null
}

const ofTeam = and(eq(teamMemberships.organizationId, teams.organizationId), eq(teamMemberships.teamId, teams.id))

/** What a team shows; deleted users do not count until they are restored. */
export const teamColumns = {
  id: teams.id,
  name: teams.name,
  description: teams.description,
  memberCount: sql<number>`(select count(*) from ${teamMemberships} join ${users} on ${ofLiveUser} where ${ofTeam})`,
  createdAt: teams.createdAt,
  updatedAt: teams.updatedAt,
  deletedAt: teams.deletedAt,
}

/** The live teams of the organization. */
export function liveTeams(ctx: TenantCtx, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant(ctx, teams, isNull(teams.deletedAt), ...conditions)
}

/** Throws 404 for what is no live team of this organization. */
export async function findTeam(ctx: TenantCtx, id: string): Promise<Team> {
  const [team] = await ctx.db
    .select(teamColumns)
    .from(teams)
    .where(liveTeams(ctx, eq(teams.id, id)))
  if (!team) throw noSuchTeam()
  return team
}

/** The team, for who may change it and its members: who manages teams, and the managers of this one. Else throws 403. */
export async function findManagedTeam(ctx: TenantCtx, id: string): Promise<Team> {
  const { team, ownRole } = await findOwnTeam(ctx, id)
  if (!managesTeams(ctx) && ownRole !== 'manager')
    throw problem('forbidden', 'Only managers of this team, and who manages teams, may do this.')
  return team
}

async function findOwnTeam(ctx: TenantCtx, id: string): Promise<{ team: Team; ownRole: TeamRole | null }> {
  const own = and(ofTeam, eq(teamMemberships.userId, actorId(ctx.actor) ?? ''))
  const role = sql<TeamRole | null>`(select ${teamMemberships.role} from ${teamMemberships} where ${own})`.as('own_role')
  const [row] = await ctx.db
    .select({ ...teamColumns, ownRole: role })
    .from(teams)
    .where(liveTeams(ctx, eq(teams.id, id)))
  if (!row) throw noSuchTeam()
  const { ownRole, ...team } = row
  return { team, ownRole }
}

function managesTeams({ actor }: TenantCtx): boolean {
  return actor.kind === 'user' && actor.roles.some((role) => roleHas(role, 'teams:write'))
}

/** Whether no other live team has the name, as a condition. */
export function nameIsFree(ctx: TenantCtx, name: string, exceptId: string): SQL {
  return sql`not exists (select 1 from ${teams} where ${otherWithName(ctx, name, exceptId)})`
}

export async function nameIsTaken(ctx: TenantCtx, name: string, exceptId: string): Promise<boolean> {
  const rows = await ctx.db
    .select({ id: teams.id })
    .from(teams)
    .where(otherWithName(ctx, name, exceptId))
  return rows.length > 0
}

/** Whether one more team has a place, as a condition. */
export function hasRoom(ctx: TenantCtx): SQL {
  return sql`(select count(*) from ${teams} where ${liveTeams(ctx)}) < ${teamsPerOrganizationMax}`
}

export function teamJson({ id, name, description, memberCount, createdAt, updatedAt, deletedAt }: Team): TeamJson {
  return {
    id,
    name,
    description,
    member_count: memberCount,
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
    deleted_at: deletedAt === null ? null : new Date(deletedAt).toISOString(),
  }
}

export function noSuchTeam() {
  return problem('not_found', 'There is no such team.')
}

export function nameTaken() {
  return problem('conflict', 'Another team has this name.')
}

export function noRoom() {
  return problem('conflict', `An organization can have at most ${teamsPerOrganizationMax} teams. Delete some first.`)
}

function otherWithName(ctx: TenantCtx, name: string, exceptId: string): SQL {
  return liveTeams(ctx, eq(teams.nameKey, teamNameKey(name)), ne(teams.id, exceptId))
}
