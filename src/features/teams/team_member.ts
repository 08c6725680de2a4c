import { and, eq, isNull } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { TeamRole } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { users } from '../../db/schema.ts'
import { teamMemberships } from '../../db/schema_identity.ts'
import { inTenant } from '../../db/tenant.ts'
import type { TeamMemberJson } from './schema.ts'

export interface TeamMember {
  readonly userId: string
  readonly email: string
  readonly name: string
  readonly role: TeamRole
  readonly joinedAt: number
}

export const ofLiveUser = and(eq(users.id, teamMemberships.userId), isNull(users.deletedAt))

/** One membership of a team; in no other organization than the caller's. */
export function teamMembership(ctx: TenantCtx, teamId: string, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant(ctx, teamMemberships, eq(teamMemberships.teamId, teamId), ...conditions)
}

/** A query for members of a team; deleted users do not show until they are restored. */
export function selectTeamMembers(ctx: TenantCtx, teamId: string, ...conditions: (SQL | undefined)[]) {
  return ctx.db
    .select({
      userId: teamMemberships.userId,
      email: users.email,
      name: users.name,
      role: teamMemberships.role,
      joinedAt: teamMemberships.createdAt,
    })
    .from(teamMemberships)
    .innerJoin(users, ofLiveUser)
    .where(teamMembership(ctx, teamId, ...conditions))
}

export async function findTeamMember(ctx: TenantCtx, teamId: string, userId: string): Promise<TeamMember> {
  const [member] = await selectTeamMembers(ctx, teamId, eq(teamMemberships.userId, userId))
  if (!member) throw noSuchTeamMember()
  return member
}

export function teamMemberJson({ userId, email, name, role, joinedAt }: TeamMember): TeamMemberJson {
  return { user_id: userId, email, name, role, joined_at: new Date(joinedAt).toISOString() }
}

export function noSuchTeamMember() {
  return problem('not_found', 'The team has no such member.')
}
