import { and, eq } from 'drizzle-orm'
import type { AccountRole } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { AccountCtx } from '../../db/context.ts'
import { accountMemberships, accounts, users } from '../../db/schema.ts'
import { changedMeanwhile, noSuchMember } from './json.ts'
import { liveUser } from './live.ts'
import type { AccountMemberJson } from './schema.ts'

/** A user of an account who has a role in it. */
interface Member {
  readonly userId: string
  readonly email: string
  readonly name: string
  readonly role: AccountRole
  readonly joinedAt: number
}

/** A live user of the account with the role there, null for none, and what mails about it need. */
export async function userOf(ctx: AccountCtx, userId: string) {
  const membership = and(eq(accountMemberships.userId, users.id), eq(accountMemberships.accountId, users.accountId))
  const [row] = await ctx.db
    .select({
      userId: users.id,
      email: users.email,
      name: users.name,
      accountName: accounts.name,
      role: accountMemberships.role,
      joinedAt: accountMemberships.createdAt,
    })
    .from(users)
    .innerJoin(accounts, eq(accounts.id, users.accountId))
    .leftJoin(accountMemberships, membership)
    .where(liveUser(ctx, userId))
  return row
}

/** The same; throws 404 for who is no user of the account. */
export async function findUser(ctx: AccountCtx, userId: string) {
  const user = await userOf(ctx, userId)
  if (!user) throw noSuchMember()
  return user
}

/** The same for a user who has a role; throws 404 for others. */
export async function findMember(ctx: AccountCtx, userId: string) {
  const { role, joinedAt, ...user } = await findUser(ctx, userId)
  if (role === null || joinedAt === null) throw noSuchMember()
  return { ...user, role, joinedAt }
}

export async function getAccountMember(ctx: AccountCtx, userId: string): Promise<AccountMemberJson> {
  return memberJson(await findMember(ctx, userId))
}

/** Why a write found nothing to do, though `role` was the user's one when it began: only who still owns is the last owner. */
export async function whyNot(ctx: AccountCtx, userId: string, role: AccountRole | null): Promise<Error> {
  const present = await findUser(ctx, userId)
  return role === 'owner' && present.role === role
    ? problem('last_owner', 'An account must have an owner. Hand it over first.')
    : changedMeanwhile()
}

export function memberJson({ userId, email, name, role, joinedAt }: Member): AccountMemberJson {
  return { user_id: userId, email, name, role, joined_at: new Date(joinedAt).toISOString() }
}
