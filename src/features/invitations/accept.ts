import { and, eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { problem } from '../../core/problems.ts'
import { auditPerson, auditStatement } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { memberships, users } from '../../db/schema.ts'
import { findByToken, isUser, mayEnter, organizationFull, spendInvitation } from './by_token.ts'
import type { acceptedInvitationSchema } from './schema.ts'

/**
 * Makes the signed-in person a member. The mail went to one address, so only who is signed in with that one may accept; it
 * counts as confirmed then. Of parallel uses of a token one takes effect.
 */
export async function acceptInvitation(ctx: UserCtx, token: string): Promise<z.input<typeof acceptedInvitationSchema>> {
  const invitation = await findByToken(ctx, token)
  const { id, email, role, organizationId, organizationName } = invitation
  const userId = ctx.user.id
  if (email !== ctx.user.email) throw problem('forbidden', 'The invitation is for another e-mail address: sign in with that one.')
  const member = and(eq(memberships.userId, userId), eq(memberships.organizationId, organizationId))
  const may = sql`${mayEnter(ctx, token, invitation)} and ${isUser(userId, email)}
    and not exists (select 1 from ${memberships} where ${member})`
  const entry = { action: 'membership.create', target: { kind: 'user', id: userId }, details: { role, invitation_id: id } }
  const now = ctx.now()
  const results = await ctx.db.batch([
    auditStatement(ctx, { organizationId, actor: auditPerson(ctx) }, entry, sql`where ${may}`),
    ctx.db
      .update(users)
      .set({
        defaultOrganizationId: sql`coalesce(${users.defaultOrganizationId}, ${organizationId})`,
        emailVerifiedAt: sql`coalesce(${users.emailVerifiedAt}, ${now})`,
        updatedAt: now,
      })
      .where(and(eq(users.id, userId), may)),
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(memberships)
      .select(sql`select ${userId}, ${organizationId}, ${role}, ${now} where ${may}`)
      .returning({ userId: memberships.userId }),
    spendInvitation(ctx, token, invitation, userId),
  ])
  const [joined, spent] = [results[2].length > 0, results[3].length > 0]
  if (joined) return { user_id: userId, organization_id: organizationId, organization_name: organizationName, role }
  if (spent) throw problem('conflict', 'You are a member already.')
  await findByToken(ctx, token)
  throw organizationFull()
}
