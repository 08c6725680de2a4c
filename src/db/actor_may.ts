import { and, eq, inArray, isNull, or, sql } from 'drizzle-orm'
import type { SQL, SQLWrapper } from 'drizzle-orm'
import { accountRoleHas, accountRoles, roleHas, roles, scopesHave } from '../core/permissions.ts'
import type { AccountPermission, Permission } from '../core/permissions.ts'
import { problem } from '../core/problems.ts'
import type { TenantCtx } from './context.ts'
import { accountMemberships, memberships, users } from './schema.ts'

/** Whether the caller has a permission beside the one that the route asked for. */
export function actorMay({ actor }: Pick<TenantCtx, 'actor'>, permission: Permission): boolean {
  switch (actor.kind) {
    case 'user':
      return actor.roles.some((role) => roleHas(role, permission))
    case 'api_key':
      return scopesHave(actor.scopes, permission)
    case 'system':
      return true
  }
}

/** Throws 403 when it has not; `what` begins the sentence: "Sharing a filter". */
export function requirePermission(ctx: Pick<TenantCtx, 'actor'>, permission: Permission, what: string): void {
  if (!actorMay(ctx, permission)) throw problem('forbidden', `${what} needs the permission ${permission}.`)
}

type Id = string | SQLWrapper

/**
 * Whether a person has a permission in an organization at this moment, as a condition: what a request was let in with may be
 * taken away before its statements run, and what a person left behind, as an invitation, must not outlive the right to it.
 * The ids may be columns of the query around it.
 */
export function personMay(
  permission: Permission,
  { userId, organizationId, accountId }: { userId: Id; organizationId: Id; accountId: Id },
): SQL {
  const held = roles.filter((role) => roleHas(role, permission))
  const isMember = and(eq(memberships.userId, users.id), eq(memberships.organizationId, organizationId), inArray(memberships.role, held))
  const manages = and(eq(accountMemberships.userId, users.id), eq(accountMemberships.accountId, accountId))
  return livePerson(userId, [
    sql`exists (select 1 from ${memberships} where ${isMember})`,
    roleHas('account_admin', permission) ? sql`exists (select 1 from ${accountMemberships} where ${manages})` : undefined,
    roleHas('staff', permission) ? eq(users.isStaff, true) : undefined,
  ])
}

/** The same in an account. */
export function personMayInAccount(permission: AccountPermission, { userId, accountId }: { userId: Id; accountId: Id }): SQL {
  const held = accountRoles.filter((role) => accountRoleHas(role, permission))
  const manages = and(
    eq(accountMemberships.userId, users.id),
    eq(accountMemberships.accountId, accountId),
    inArray(accountMemberships.role, held),
  )
  return livePerson(userId, [
    sql`exists (select 1 from ${accountMemberships} where ${manages})`,
    accountRoleHas('staff', permission) ? eq(users.isStaff, true) : undefined,
  ])
}

/** Whether the person of the request still has the permission, as a condition for what the person leaves behind. */
export function actorStillMay({ actor, tenant }: Pick<TenantCtx, 'actor' | 'tenant'>, permission: Permission): SQL {
  if (actor.kind !== 'user') throw new Error('only of people is the right looked up again')
  return personMay(permission, { userId: actor.userId, ...tenant })
}

/** Throws 403 when it was taken away: for a write that such a condition may have kept from its rows. */
export async function requireStill(ctx: Pick<TenantCtx, 'actor' | 'tenant' | 'db'>, permission: Permission): Promise<void> {
  const [row] = await ctx.db.select({ may: sql<number>`${actorStillMay(ctx, permission)}` }).from(sql`(select 1)`)
  if (row?.may !== 1) throw problem('forbidden', `The permission ${permission} was taken away meanwhile.`)
}

function livePerson(userId: Id, rights: (SQL | undefined)[]): SQL {
  return sql`exists (select 1 from ${users} where ${and(eq(users.id, userId), isNull(users.deletedAt), or(...rights))})`
}
