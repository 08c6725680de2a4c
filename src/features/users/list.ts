import { and, count, eq, isNull, or } from 'drizzle-orm'
import type * as z from 'zod'
import type { AccountCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { users } from '../../db/schema.ts'
import { wantedAccount } from './account.ts'
import type { listUsersQuery, UserJson } from './schema.ts'
import { auditReach, restorable, selectUsers, userJson } from './user.ts'

const columns = { name: users.name, email: users.email, created_at: users.createdAt }

/** One page of an account's users, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listUsers(ctx: AccountCtx, query: z.output<typeof listUsersQuery>): Promise<ListPage<UserJson>> {
  const accountId = wantedAccount(ctx, query.account_id)
  await auditReach(ctx, accountId, 'users.list')
  const where = and(
    eq(users.accountId, accountId),
    query.deleted === 'true' ? restorable(ctx.now()) : isNull(users.deletedAt),
    or(holds(users.name, query.search), holds(users.email, query.search)),
  )
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(users).where(where),
    selectUsers(ctx)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, users.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(
    totals,
    rows.map((row) => userJson({ ...row, secondFactor: row.secondFactor === 1 })),
  )
}
