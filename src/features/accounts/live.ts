import { and, eq, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { AccountCtx } from '../../db/context.ts'
import { accountMemberships, accounts, users } from '../../db/schema.ts'

/** The account unless it is deleted, as a condition, and what else must hold. */
export function liveAccount({ account }: Pick<AccountCtx, 'account'>, ...conditions: (SQL | undefined)[]): SQL {
  return and(eq(accounts.id, account.id), isNull(accounts.deletedAt), ...conditions) ?? sql`false`
}

/** A user of the account who is not deleted: nobody else has roles in it. */
export function liveUser({ account }: Pick<AccountCtx, 'account'>, userId: string, ...conditions: (SQL | undefined)[]): SQL {
  return and(eq(users.id, userId), eq(users.accountId, account.id), isNull(users.deletedAt), ...conditions) ?? sql`false`
}

/** The role of one user in the account. */
export function membershipOf({ account }: Pick<AccountCtx, 'account'>, userId: string, ...conditions: (SQL | undefined)[]): SQL {
  const own = and(eq(accountMemberships.accountId, account.id), eq(accountMemberships.userId, userId), ...conditions)
  return own ?? sql`false`
}

/** Whether somebody else, who can log in, owns the account: without, the owner must stay one. */
export function hasOtherOwner({ account }: Pick<AccountCtx, 'account'>, userId: string): SQL {
  return sql`exists (select 1 from account_memberships m join users u on u.id = m.user_id and u.deleted_at is null
    where m.account_id = ${account.id} and m.role = 'owner' and m.user_id <> ${userId})`
}

/** Whether the user still has this role in the account; null stands for none. */
export function stillHasRole({ account }: Pick<AccountCtx, 'account'>, userId: string, role: string | null): SQL {
  return sql`(select m.role from account_memberships m where m.account_id = ${account.id} and m.user_id = ${userId}) is ${role}`
}
