import { and, eq, isNull, ne, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { roleHas, roles } from '../../core/permissions.ts'
import type { Role } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { requireRecentPassword } from '../../core/step_up.ts'
import type { TenantCtx } from '../../db/context.ts'
import { memberships, sessions, users } from '../../db/schema.ts'

/*
 * Who owns an organization is decided by its owners; managers of its account and staff may too, so that an organization
 * whose owners are gone can be rescued. Never is one left without an owner.
 */

/**
 * The condition under which a member with this role may lose it: of an owner, that somebody else owns the organization too. A
 * statement that takes a role away stands under it, so that of parallel ones the last is refused.
 */
export function ownerStays({ tenant }: TenantCtx, userId: string, role: Role): SQL | undefined {
  if (role !== 'owner') return undefined
  const others = and(eq(memberships.organizationId, tenant.organizationId), eq(memberships.role, 'owner'), ne(memberships.userId, userId))
  const alive = and(eq(users.id, memberships.userId), isNull(users.deletedAt))
  return sql`exists (select 1 from ${memberships} join ${users} on ${alive} where ${others})`
}

/** Roles that give others their rights: with one, a thief would make keys and members of whom nobody knows. */
const managing = roles.filter((role) => roleHas(role, 'members:write') || roleHas(role, 'api_keys:write'))

/**
 * Throws 403 when one of the roles is that of an owner and the caller may not decide on owners, or when one manages the
 * organization and the caller has not proved the password lately: a stolen access token must not make a thief an owner or admin.
 */
export async function requireOwnershipRight({ actor, db, now }: TenantCtx, ...concerned: readonly Role[]): Promise<void> {
  if (!concerned.some((role) => managing.includes(role))) return
  if (actor.kind !== 'user') throw problem('forbidden', 'Only people decide who manages the organization.')
  if (concerned.includes('owner') && !actor.roles.some((role) => roleHas(role, 'members:owners')))
    throw problem('forbidden', 'Only owners decide who owns the organization.')
  const [session] = await db.select({ provedMs: sessions.passwordProvedAt }).from(sessions).where(eq(sessions.id, actor.sessionId))
  requireRecentPassword(now(), session?.provedMs ?? 0)
}

export function lastOwner() {
  return problem('last_owner', 'This is the last owner. Hand the organization over, or make somebody else an owner first.')
}
