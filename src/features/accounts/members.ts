import { and, asc, count, eq, isNull } from 'drizzle-orm'
import type * as z from 'zod'
import type { AccountCtx } from '../../db/context.ts'
import { accountMemberships, users } from '../../db/schema.ts'
import type { AccountMemberJson, listAccountMembersQuery } from './schema.ts'

/** One page of who manages the account, the longest-standing first. */
export async function listAccountMembers(
  ctx: AccountCtx,
  { page, page_size }: z.output<typeof listAccountMembersQuery>,
): Promise<{ count: number; results: AccountMemberJson[] }> {
  const own = eq(accountMemberships.accountId, ctx.account.id)
  const person = and(eq(users.id, accountMemberships.userId), isNull(users.deletedAt))
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(accountMemberships).innerJoin(users, person).where(own),
    ctx.db
      .select({
        userId: accountMemberships.userId,
        email: users.email,
        name: users.name,
        role: accountMemberships.role,
        createdAt: accountMemberships.createdAt,
      })
      .from(accountMemberships)
      .innerJoin(users, person)
      .where(own)
      .orderBy(asc(accountMemberships.createdAt), asc(accountMemberships.userId))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  const results = rows.map(({ userId, createdAt, ...row }) => ({ user_id: userId, ...row, created_at: new Date(createdAt).toISOString() }))
  return { count: total?.count ?? 0, results }
}
