import { count } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { invitations } from '../../db/schema_identity.ts'
import { invitationJson, openInvitations } from './open.ts'
import type { InvitationJson, listInvitationsQuery } from './schema.ts'

const columns = { created_at: invitations.createdAt, email: invitations.email, expires_at: invitations.expiresAt }

/** One page of the open invitations, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listInvitations(ctx: TenantCtx, query: z.output<typeof listInvitationsQuery>): Promise<ListPage<InvitationJson>> {
  const where = openInvitations(ctx, holds(invitations.email, query.search))
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(invitations).where(where),
    ctx.db
      .select()
      .from(invitations)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, invitations.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  const now = ctx.now()
  return listPage(
    totals,
    rows.map((row) => invitationJson(row, now)),
  )
}
