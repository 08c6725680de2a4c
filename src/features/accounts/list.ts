import { and, asc, count, desc, eq, gt, isNotNull, isNull, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type * as z from 'zod'
import { deletedKeptMs } from '../../core/limits.ts'
import { accountRoleHas } from '../../core/permissions.ts'
import { auditStaffAct } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { accountMemberships, accounts } from '../../db/schema.ts'
import { accountJson } from './json.ts'
import type { AccountJson, listAccountsQuery } from './schema.ts'

const columns = { created_at: accounts.createdAt, name: accounts.name }

/** The caller's own account, and for staff all there are; of the deleted ones, those that the caller may restore. */
export async function listAccounts(
  ctx: UserCtx,
  { page, page_size, ordering, search, deleted }: z.output<typeof listAccountsQuery>,
): Promise<{ count: number; results: AccountJson[] }> {
  const { user, session } = ctx
  if (user.isStaff) await auditStaffAct(ctx, { user, session, organization: null, account: null }, 'accounts.list')
  const isDeleted = deleted === 'true'
  const where = and(
    user.isStaff ? undefined : within(ctx, isDeleted),
    isDeleted ? gt(accounts.deletedAt, ctx.now() - deletedKeptMs) : isNull(accounts.deletedAt),
    search === undefined ? undefined : matches(search),
  )
  const direction = ordering.startsWith('-') ? desc : asc
  const column = columns[ordering.replace(/^-/, '') as keyof typeof columns]
  const own = and(eq(accountMemberships.userId, user.id), eq(accountMemberships.accountId, accounts.id))
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(accounts).leftJoin(accountMemberships, own).where(where),
    ctx.db
      .select({ account: accounts, role: accountMemberships.role })
      .from(accounts)
      .leftJoin(accountMemberships, own)
      .where(where)
      .orderBy(direction(column), direction(accounts.id))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  const results = rows.map(({ account, role }) =>
    accountJson(account, [...(role === null ? [] : [role]), ...(user.isStaff ? (['staff'] as const) : [])]),
  )
  return { count: total?.count ?? 0, results }
}

/** A role in an account is only for its users, so that all of these are one account; a deleted one shows to who may restore it. */
function within({ user }: UserCtx, isDeleted: boolean): SQL | undefined {
  const own = eq(accounts.id, user.accountId)
  if (!isDeleted) return own
  const restorers = accountMemberships.role.enumValues.filter((role) => accountRoleHas(role, 'account:delete'))
  return and(own, isNotNull(accountMemberships.role), sql`${accountMemberships.role} in ${restorers}`)
}

/** instr and not LIKE: D1 limits patterns to 50 bytes, and `%` in a name means itself. */
function matches(search: string): SQL | undefined {
  return or(sql`instr(lower(${accounts.name}), lower(${search})) > 0`, eq(accounts.id, search.toLowerCase()))
}
