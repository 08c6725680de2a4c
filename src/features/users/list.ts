import { and, asc, count, desc, eq, isNull, or, sql } from 'drizzle-orm'
import type * as z from 'zod'
import type { AccountCtx } from '../../db/context.ts'
import { users } from '../../db/schema.ts'
import { wantedAccount } from './account.ts'
import type { listUsersQuery, UserJson } from './schema.ts'
import { auditReach, restorable, selectUsers, userJson } from './user.ts'

const columns = { name: users.name, email: users.email, created_at: users.createdAt }

/** One page of an account's users, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listUsers(
  ctx: AccountCtx,
  { account_id, page, page_size, ordering, search, deleted }: z.output<typeof listUsersQuery>,
): Promise<{ count: number; results: UserJson[] }> {
  const accountId = wantedAccount(ctx, account_id)
  await auditReach(ctx, accountId, 'users.list')
  const where = and(
    eq(users.accountId, accountId),
    deleted === 'true' ? restorable(ctx.now()) : isNull(users.deletedAt),
    // instr and not LIKE: D1 limits patterns to 50 bytes, and `%` in a name means itself.
    search === undefined ? undefined : or(holds(users.name, search), holds(users.email, search)),
  )
  const direction = ordering.startsWith('-') ? desc : asc
  const column = columns[ordering.replace(/^-/, '') as keyof typeof columns]
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(users).where(where),
    selectUsers(ctx)
      .where(where)
      .orderBy(direction(column), direction(users.id))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  return { count: total?.count ?? 0, results: rows.map((row) => userJson({ ...row, secondFactor: row.secondFactor === 1 })) }
}

function holds(column: typeof users.name | typeof users.email, text: string) {
  return sql`instr(lower(${column}), lower(${text})) > 0`
}
