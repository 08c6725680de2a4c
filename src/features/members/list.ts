import { and, count, eq, isNull, or, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { roles } from '../../core/permissions.ts'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { memberships, users } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { memberJson, selectMembers } from './member.ts'
import type { listMembersQuery, MemberJson } from './schema.ts'

const rank = sql`case ${memberships.role} ${sql.join(
  roles.map((role, i) => sql`when ${role} then ${i}`),
  sql` `,
)} end`
const columns = { name: users.name, email: users.email, role: rank, joined_at: memberships.createdAt }

/** One page of the organization's members, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listMembers(ctx: TenantCtx, query: z.output<typeof listMembersQuery>): Promise<ListPage<MemberJson>> {
  const conditions = [
    query.role === undefined ? undefined : eq(memberships.role, query.role),
    or(holds(users.name, query.search), holds(users.email, query.search)),
  ]
  const [totals, rows] = await ctx.db.batch([
    ctx.db
      .select({ count: count() })
      .from(memberships)
      .innerJoin(users, and(eq(users.id, memberships.userId), isNull(users.deletedAt)))
      .where(inTenant(ctx, memberships, ...conditions)),
    selectMembers(ctx, ...conditions)
      .orderBy(...orderOf(columns, query.ordering, memberships.userId))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(totals, rows.map(memberJson))
}
