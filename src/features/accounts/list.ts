import { and, count, eq, gt, isNotNull, isNull, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type * as z from 'zod'
import { deletedKeptMs } from '../../core/limits.ts'
import { accountActingRolesOf, accountRoleHas } from '../../core/permissions.ts'
import { auditStaffAct } from '../../db/audit.ts'
import { actsAsStaff } from '../../db/staff.ts'
import type { UserCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { accountMemberships, accounts } from '../../db/schema.ts'
import { accountJson } from './json.ts'
import type { AccountJson, listAccountsQuery } from './schema.ts'

const columns = { created_at: accounts.createdAt, name: accounts.name }

/** The caller's own account, and for staff all there are; of the deleted ones, those that the caller may restore. */
export async function listAccounts(ctx: UserCtx, query: z.output<typeof listAccountsQuery>): Promise<ListPage<AccountJson>> {
  const { user, session } = ctx
  const asStaff = actsAsStaff(ctx)
  if (asStaff) await auditStaffAct(ctx, { user, session, organization: null, account: null }, 'accounts.list')
  const isDeleted = query.deleted === 'true'
  const where = and(
    asStaff ? undefined : within(ctx, isDeleted),
    isDeleted ? gt(accounts.deletedAt, ctx.now() - deletedKeptMs) : isNull(accounts.deletedAt),
    query.search === undefined ? undefined : matches(query.search),
  )
  const own = and(eq(accountMemberships.userId, user.id), eq(accountMemberships.accountId, accounts.id))
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(accounts).leftJoin(accountMemberships, own).where(where),
    ctx.db
      .select({ account: accounts, role: accountMemberships.role })
      .from(accounts)
      .leftJoin(accountMemberships, own)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, accounts.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  const results = rows.map(({ account, role }) => accountJson(account, accountActingRolesOf({ role, isStaff: asStaff })))
  return listPage(totals, results)
}

/** A role in an account is only for its users, so that all of these are one account; a deleted one shows to who may restore it. */
function within({ user }: UserCtx, isDeleted: boolean): SQL | undefined {
  const own = eq(accounts.id, user.accountId)
  if (!isDeleted) return own
  const restorers = accountMemberships.role.enumValues.filter((role) => accountRoleHas(role, 'account:delete'))
  return and(own, isNotNull(accountMemberships.role), sql`${accountMemberships.role} in ${restorers}`)
}

function matches(search: string): SQL | undefined {
  return or(holds(accounts.name, search), eq(accounts.id, search.toLowerCase()))
}
