import { and, asc, count, desc, eq, isNull, or, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { roles } from '../../core/permissions.ts'
import type { TenantCtx } from '../../db/context.ts'
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
export async function listMembers(
  ctx: TenantCtx,
  { page, page_size, ordering, search, role }: z.output<typeof listMembersQuery>,
): Promise<{ count: number; results: MemberJson[] }> {
  const conditions = [
    role === undefined ? undefined : eq(memberships.role, role),
    // instr and not LIKE: D1 limits patterns to 50 bytes, and `%` in a name means itself.
    search === undefined ? undefined : or(holds(users.name, search), holds(users.email, search)),
  ]
  const direction = ordering.startsWith('-') ? desc : asc
  const column = columns[ordering.replace(/^-/, '') as keyof typeof columns]
  const [[total], rows] = await ctx.db.batch([
    ctx.db
      .select({ count: count() })
      .from(memberships)
      .innerJoin(users, and(eq(users.id, memberships.userId), isNull(users.deletedAt)))
      .where(inTenant(ctx, memberships, ...conditions)),
    selectMembers(ctx, ...conditions)
      .orderBy(direction(column), direction(memberships.userId))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  return { count: total?.count ?? 0, results: rows.map(memberJson) }
}

function holds(column: typeof users.name | typeof users.email, text: string) {
  return sql`instr(lower(${column}), lower(${text})) > 0`
}
