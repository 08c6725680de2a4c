import { and, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { accounts, organizations } from '../../db/schema.ts'

/*
 * Never is an organization or an account left without an owner. What a person owns alone, with nobody else in it, may go
 * with the person; what others are in, or pay for, keeps the person until somebody else owns it too.
 */

/** An organization or account that the person is the last owner of. */
export interface Owned {
  readonly id: string
  readonly name: string
  /** Whether others are in it, or it is of an account that does not go with the person. */
  readonly shared: boolean
}

/** All of them, and those that go with the person. */
export interface Ownership {
  readonly organizations: readonly Owned[]
  readonly accounts: readonly Owned[]
}

/** Ids of what is deleted along with a person. */
export interface Along {
  readonly organizationIds: readonly string[]
  readonly accountIds: readonly string[]
}

/** For who does not take anything along. */
export const nothingAlong: Along = { organizationIds: [], accountIds: [] }

/** What the person is the last living owner of. */
export async function ownershipOf(ctx: BaseCtx, userId: string): Promise<Ownership> {
  const [ownOrganizations, ownAccounts] = await ctx.db.batch([
    ctx.db
      .select({ id: organizations.id, name: organizations.name, shared: sql<number>`${organizationOfOthers(userId)}` })
      .from(organizations)
      .where(lastOwnerOfOrganization(userId)),
    ctx.db
      .select({ id: accounts.id, name: accounts.name, shared: sql<number>`${accountHasOthers(userId)}` })
      .from(accounts)
      .where(lastOwnerOfAccount(userId)),
  ])
  const owned = (rows: { id: string; name: string; shared: number }[]) => rows.map((row) => ({ ...row, shared: row.shared === 1 }))
  return { organizations: owned(ownOrganizations), accounts: owned(ownAccounts) }
}

/**
 * Whether the person must stay, as a condition: last owner of something that others are in, or that is not among what goes
 * along. A batch that deletes the person stands under its opposite, so that of parallel ones the last is refused.
 */
export function mustStay(userId: string, { organizationIds, accountIds }: Along): SQL {
  return sql`(exists (select 1 from ${organizations} where ${lastOwnerOfOrganization(userId)}
      and (${organizationOfOthers(userId)} or ${not(isAmong(organizations.id, organizationIds))}))
    or exists (select 1 from ${accounts} where ${lastOwnerOfAccount(userId)}
      and (${accountHasOthers(userId)} or ${not(isAmong(accounts.id, accountIds))})))`
}

/** The organizations among these that nobody but the person is in and pays for. */
export function loneOrganizations(userId: string, ids: readonly string[]): SQL {
  return and(isAmong(organizations.id, ids), lastOwnerOfOrganization(userId), sql`not ${organizationOfOthers(userId)}`) ?? sql`false`
}

/** The accounts among these that nobody but the person is in. */
export function loneAccounts(userId: string, ids: readonly string[]): SQL {
  return and(isAmong(accounts.id, ids), lastOwnerOfAccount(userId), sql`not ${accountHasOthers(userId)}`) ?? sql`false`
}

/** Names what keeps the person. */
export function lastOwnerOf({ organizations: own, accounts: paid }: Record<keyof Ownership, readonly Pick<Owned, 'name'>[]>) {
  const names = [...own.map(({ name }) => name), ...paid.map(({ name }) => `the account ${name}`)]
  const shown = names.slice(0, namesShownMax).join(', ') + (names.length > namesShownMax ? ' and others' : '')
  return problem('last_owner', `This is the last owner of ${shown}. Hand that over, make somebody else an owner, or delete it first.`)
}

const namesShownMax = 5

/** One parameter for any number of ids. */
function isAmong(column: typeof organizations.id | typeof accounts.id, ids: readonly string[]): SQL {
  return sql`${column} in (select value from json_each(${JSON.stringify(ids)}))`
}

function not(condition: SQL): SQL {
  return sql`not (${condition})`
}

export function lastOwnerOfOrganization(userId: string): SQL | undefined {
  return and(
    sql`${organizations.id} in (select m.organization_id from memberships m where m.user_id = ${userId} and m.role = 'owner')`,
    isNull(organizations.deletedAt),
    sql`exists (select 1 from accounts a where a.id = ${organizations.accountId} and a.deleted_at is null)`,
    sql`not exists (select 1 from memberships m join users u on u.id = m.user_id and u.deleted_at is null
      where m.organization_id = ${organizations.id} and m.role = 'owner' and m.user_id <> ${userId})`,
  )
}

/** Others are in it, or its account is none that may go with the person: who pays for it has a say, member or not. */
function organizationOfOthers(userId: string): SQL {
  return sql`(exists (select 1 from memberships m join users u on u.id = m.user_id and u.deleted_at is null
      where m.organization_id = ${organizations.id} and m.user_id <> ${userId})
    or not exists (select 1 from ${accounts}
      where ${accounts.id} = ${organizations.accountId} and ${lastOwnerOfAccount(userId)} and not ${accountHasOthers(userId)}))`
}

export function lastOwnerOfAccount(userId: string): SQL | undefined {
  return and(
    sql`${accounts.id} in (select m.account_id from account_memberships m where m.user_id = ${userId} and m.role = 'owner')`,
    isNull(accounts.deletedAt),
    sql`not exists (select 1 from account_memberships m join users u on u.id = m.user_id and u.deleted_at is null
      where m.account_id = ${accounts.id} and m.role = 'owner' and m.user_id <> ${userId})`,
  )
}

/** Its users, who manages it, and members of its organizations that come from elsewhere. */
function accountHasOthers(userId: string): SQL {
  return sql`(exists (select 1 from users u where u.account_id = ${accounts.id} and u.deleted_at is null and u.id <> ${userId})
    or exists (select 1 from account_memberships m join users u on u.id = m.user_id and u.deleted_at is null
      where m.account_id = ${accounts.id} and m.user_id <> ${userId})
    or exists (select 1 from organizations o join memberships m on m.organization_id = o.id
      join users u on u.id = m.user_id and u.deleted_at is null
      where o.account_id = ${accounts.id} and o.deleted_at is null and m.user_id <> ${userId}))`
}
