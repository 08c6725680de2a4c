import { and, count, eq, gt, isNull, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type * as z from 'zod'
import { deletedKeptMs } from '../../core/limits.ts'
import { actingRolesOf, roleHas } from '../../core/permissions.ts'
import type { AccountRole } from '../../core/permissions.ts'
import { auditStaffAct } from '../../db/audit.ts'
import { actsAsStaff } from '../../db/staff.ts'
import type { UserCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { ofLiveAccount } from '../../db/live.ts'
import { accountMemberships, accounts, memberships, organizations } from '../../db/schema.ts'
import { organizationJson } from './json.ts'
import type { listOrganizationsQuery, OrganizationJson } from './schema.ts'

const columns = { created_at: organizations.createdAt, name: organizations.name }

/**
 * Organizations that the caller is a member of, all of an account that the caller has a role in, and for staff all there
 * are; of the deleted ones, those that the caller may restore.
 */
export async function listOrganizations(ctx: UserCtx, query: z.output<typeof listOrganizationsQuery>): Promise<ListPage<OrganizationJson>> {
  const { user, session } = ctx
  const asStaff = actsAsStaff(ctx)
  if (asStaff) await auditStaffAct(ctx, { user, session, organization: null, account: null }, 'organizations.list')
  const isDeleted = query.deleted === 'true'
  const found = query.search === undefined ? undefined : matches(query.search)
  const where = and(
    within(ctx, isDeleted),
    isDeleted ? gt(organizations.deletedAt, ctx.now() - deletedKeptMs) : isNull(organizations.deletedAt),
    found,
  )
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(organizations).innerJoin(accounts, ofLiveAccount).where(where),
    ctx.db
      .select({ organization: organizations, role: memberships.role, accountRole })
      .from(organizations)
      .innerJoin(accounts, ofLiveAccount)
      .leftJoin(memberships, and(eq(memberships.userId, user.id), eq(memberships.organizationId, organizations.id)))
      .leftJoin(accountMemberships, and(eq(accountMemberships.userId, user.id), eq(accountMemberships.accountId, accounts.id)))
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, organizations.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  const results = rows.map(({ organization, role, accountRole }) =>
    organizationJson(organization, actingRolesOf({ role, accountRole, isStaff: asStaff })),
  )
  return listPage(totals, results)
}

/** Under a name of its own: in a batch, columns of one name become one. */
const accountRole = sql<AccountRole | null>`${accountMemberships.role}`.as('account_role')

/** Looked up by the caller's own memberships, so that nobody's list reads the whole table. */
function within(ctx: UserCtx, isDeleted: boolean): SQL | undefined {
  const { user } = ctx
  if (actsAsStaff(ctx)) return undefined
  const mayRestore = isDeleted ? sql`and ${memberships.role} in ${restorers}` : sql``
  return sql`${organizations.id} in (
    select ${memberships.organizationId} from ${memberships} where ${memberships.userId} = ${user.id} ${mayRestore}
    union
    select o.id from ${accountMemberships} join organizations o on o.account_id = ${accountMemberships.accountId}
    where ${accountMemberships.userId} = ${user.id})`
}

const restorers = memberships.role.enumValues.filter((role) => roleHas(role, 'organization:delete'))

function matches(search: string): SQL | undefined {
  return or(holds(organizations.name, search), eq(organizations.id, search.toLowerCase()))
}
