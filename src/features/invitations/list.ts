import { asc, count, desc, sql } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { invitations } from '../../db/schema_identity.ts'
import { invitationJson, openInvitations } from './open.ts'
import type { InvitationJson, listInvitationsQuery } from './schema.ts'

const columns = { created_at: invitations.createdAt, email: invitations.email, expires_at: invitations.expiresAt }

/** One page of the open invitations, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listInvitations(
  ctx: TenantCtx,
  { page, page_size, ordering, search }: z.output<typeof listInvitationsQuery>,
): Promise<{ count: number; results: InvitationJson[] }> {
  // instr and not LIKE: D1 limits patterns to 50 bytes, and `%` means itself.
  const where = openInvitations(ctx, search === undefined ? undefined : sql`instr(${invitations.email}, lower(${search})) > 0`)
  const direction = ordering.startsWith('-') ? desc : asc
  const column = columns[ordering.replace(/^-/, '') as keyof typeof columns]
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(invitations).where(where),
    ctx.db
      .select()
      .from(invitations)
      .where(where)
      .orderBy(direction(column), direction(invitations.id))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  const now = ctx.now()
  return { count: total?.count ?? 0, results: rows.map((row) => invitationJson(row, now)) }
}
