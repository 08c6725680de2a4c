import { and, count, eq, isNull, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type * as z from 'zod'
import type { AccountCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { accountMemberships, users } from '../../db/schema.ts'
import { memberJson } from './member.ts'
import type { AccountMemberJson, listAccountMembersQuery } from './schema.ts'

const columns = {
  name: users.name,
  email: users.email,
  // Owners before admins.
  role: sql`${accountMemberships.role} <> 'owner'`,
  joined_at: accountMemberships.createdAt,
}
const ofLiveUser = and(eq(users.id, accountMemberships.userId), isNull(users.deletedAt))

/** One page of who manages the account, and how many do. Ties are broken by id, so pages do not overlap. */
export async function listAccountMembers(
  ctx: AccountCtx,
  query: z.output<typeof listAccountMembersQuery>,
): Promise<ListPage<AccountMemberJson>> {
  const where: SQL | undefined = and(
    eq(accountMemberships.accountId, ctx.account.id),
    or(holds(users.name, query.search), holds(users.email, query.search)),
  )
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(accountMemberships).innerJoin(users, ofLiveUser).where(where),
    ctx.db
      .select({
        userId: accountMemberships.userId,
        email: users.email,
        name: users.name,
        role: accountMemberships.role,
        joinedAt: accountMemberships.createdAt,
      })
      .from(accountMemberships)
      .innerJoin(users, ofLiveUser)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, accountMemberships.userId))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(totals, rows.map(memberJson))
}
