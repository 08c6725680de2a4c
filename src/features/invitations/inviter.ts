import { and, eq, exists, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { memberships, organizations, users } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { takePlace } from '../auth/throttle.ts'

export interface Inviter {
  readonly userId: string
  readonly name: string
  readonly email: string
  readonly organizationName: string
  /** Whether who is invited is a member already. */
  readonly invitesMember: boolean
}

/** The person who invites `email`, in one look-up. */
export async function findInviter(ctx: TenantCtx, email: string): Promise<Inviter> {
  if (ctx.actor.kind !== 'user') throw problem('forbidden', 'Only people can invite.')
  const { userId } = ctx.actor
  const [row] = await ctx.db
    .select({
      name: users.name,
      email: users.email,
      organizationName: organizations.name,
      invitesMember: sql<number>`${isMember(ctx, email)}`,
    })
    .from(users)
    .innerJoin(organizations, eq(organizations.id, ctx.tenant.organizationId))
    .where(eq(users.id, userId))
  if (!row) throw problem('invalid_token', 'The user does not exist any more.')
  return { ...row, userId, invitesMember: row.invitesMember === 1 }
}

/** Whether a member of the organization has the e-mail, as a condition. It does not tell of users who are no members. */
export function isMember(ctx: TenantCtx, email: string): SQL {
  const member = sql`${memberships.userId} in (select "id" from ${users} where ${and(eq(users.email, email), isNull(users.deletedAt))})`
  return exists(
    ctx.db
      .select({ one: sql`1` })
      .from(memberships)
      .where(inTenant(ctx, memberships, member)),
  )
}

/**
 * Throws 429 for who sends too many: each invitation is a mail to somebody who may not have asked. Counted by the address
 * that is invited, by organization, by person and by the address that the request comes from. What others invite does not count:
 * a hostile tenant could keep somebody from being invited; the mails to one address have a limit of their own (db/mails.ts).
 */
export async function takeInvitation(ctx: TenantCtx, inviter: Inviter, email: string): Promise<void> {
  await takePlace(ctx, { kind: 'inviter', subject: inviter.userId })
  await takePlace(ctx, { kind: 'invitation', subject: `${ctx.tenant.organizationId} ${email}`, source: ctx.tenant.organizationId })
}
