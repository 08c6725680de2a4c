import { and, eq, isNull, ne, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { roleHas } from '../../core/permissions.ts'
import type { Role } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { memberships, users } from '../../db/schema.ts'

/*
 * Who owns an organization is decided by its owners; managers of its account and staff may too, so that an organization
 * whose owners are gone can be rescued. Never is one left without an owner.
 */

/**
 * Whether somebody other than this user owns the organization, as a condition. A statement that takes ownership away
 * stands under it, so that of parallel ones the last is refused.
 */
export function hasAnotherOwner(organizationId: string, userId: string): SQL {
  const other = and(eq(memberships.organizationId, organizationId), eq(memberships.role, 'owner'), ne(memberships.userId, userId))
  const alive = and(eq(users.id, memberships.userId), isNull(users.deletedAt))
  return sql`exists (select 1 from ${memberships} join ${users} on ${alive} where ${other})`
}

/** Throws 403 when the role is, or is to be, that of an owner and the caller may not decide on owners. */
export function refuseOwnership({ actor }: TenantCtx, ...concerned: readonly Role[]): void {
  if (!concerned.includes('owner')) return
  if (actor.kind === 'user' && actor.roles.some((role) => roleHas(role, 'members:owners'))) return
  throw problem('forbidden', 'Only owners decide who owns the organization.')
}

export function lastOwner() {
  return problem('last_owner', 'This is the last owner. Hand the organization over, or make somebody else an owner first.')
}
