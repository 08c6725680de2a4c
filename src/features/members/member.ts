import { and, eq, isNull } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { Role } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { memberships, organizations, users } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import type { MemberJson } from './schema.ts'

/** A member with what mails about the membership need. */
export interface Member {
  readonly userId: string
  readonly email: string
  readonly name: string
  readonly role: Role
  readonly joinedAt: number
  readonly organizationName: string
}

/** A query for members of the organization; deleted users do not show until they are restored. */
export function selectMembers(ctx: TenantCtx, ...conditions: (SQL | undefined)[]) {
  return ctx.db
    .select({
      userId: memberships.userId,
      email: users.email,
      name: users.name,
      role: memberships.role,
      joinedAt: memberships.createdAt,
      organizationName: organizations.name,
    })
    .from(memberships)
    .innerJoin(users, and(eq(users.id, memberships.userId), isNull(users.deletedAt)))
    .innerJoin(organizations, eq(organizations.id, memberships.organizationId))
    .where(inTenant(ctx, memberships, ...conditions))
}

/** Throws 404 for who is no member of this organization. */
export async function findMember(ctx: TenantCtx, userId: string): Promise<Member> {
  const [member] = await selectMembers(ctx, eq(memberships.userId, userId))
  if (!member) throw problem('not_found', 'There is no such member.')
  return member
}

export function memberJson({ userId, email, name, role, joinedAt }: Member): MemberJson {
  return { user_id: userId, email, name, role, joined_at: new Date(joinedAt).toISOString() }
}
