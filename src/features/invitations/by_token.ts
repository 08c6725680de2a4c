import { and, eq, isNull, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { membersPerOrganizationMax } from '../../core/limits.ts'
import type { Role } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { ofLiveAccount, ofLiveOrganization } from '../../db/live.ts'
import { invalidOneTimeToken } from '../../db/one_time_tokens.ts'
import { accounts, memberships, organizations, users } from '../../db/schema.ts'
import { invitations } from '../../db/schema_identity.ts'
import { inviterStillMay, liveByToken } from './open.ts'

/** What a token invites to. All of it but the last two stays as it is while the token is good. */
export interface TokenInvitation {
  readonly id: string
  readonly email: string
  readonly role: Role
  readonly expiresAt: number
  readonly organizationId: string
  readonly accountId: string
  readonly organizationName: string
  readonly invitedBy: string
  /** Whether a user has the e-mail, a deleted one too. */
  readonly userExists: boolean
}

/** Throws when the token is unknown, replaced, revoked, used or expired, its sender may not invite any more, or the organization is gone. */
export async function findByToken(ctx: BaseCtx, token: string): Promise<TokenInvitation> {
  const [row] = await ctx.db
    .select({
      id: invitations.id,
      email: invitations.email,
      role: invitations.role,
      expiresAt: invitations.expiresAt,
      organizationId: organizations.id,
      accountId: organizations.accountId,
      organizationName: organizations.name,
      invitedBy: users.name,
      userExists: sql<number>`exists (select 1 from ${users} as "invited" where "invited"."email" = ${invitations.email})`.as(
        'user_exists',
      ),
    })
    .from(invitations)
    .innerJoin(organizations, ofLiveOrganization(invitations.organizationId))
    .innerJoin(accounts, ofLiveAccount)
    .innerJoin(users, eq(users.id, invitations.invitedBy))
    .where(and(liveByToken(ctx, token), inviterStillMay()))
  if (!row) throw invalidOneTimeToken()
  return { ...row, userExists: row.userExists === 1 }
}

/** Whether the token still lets somebody into its organization, and there is room, as a condition. */
export function mayEnter(ctx: BaseCtx, token: string, { organizationId }: TokenInvitation): SQL {
  const members = sql`(select count(*) from ${memberships} where ${eq(memberships.organizationId, organizationId)})`
  return sql`exists (select 1 from ${invitations} join ${organizations} on ${ofLiveOrganization(invitations.organizationId)} join ${accounts} on ${ofLiveAccount}
    where ${and(liveByToken(ctx, token), inviterStillMay())}) and ${members} < ${membersPerOrganizationMax}`
}

/** Spends the token once `userId` is a member, in the batch that makes the membership and after it; tells whether it was spent. */
export function spendInvitation(ctx: BaseCtx, token: string, { organizationId }: TokenInvitation, userId: string) {
  const membership = and(eq(memberships.userId, userId), eq(memberships.organizationId, organizationId))
  const now = ctx.now()
  return ctx.db
    .update(invitations)
    .set({ acceptedAt: now, acceptedBy: userId, updatedAt: now })
    .where(and(liveByToken(ctx, token), sql`exists (select 1 from ${memberships} where ${membership})`))
    .returning({ id: invitations.id })
}

/** Whether a user who is not deleted has this id and e-mail, as a condition. */
export function isUser(userId: string, email: string): SQL {
  return sql`exists (select 1 from ${users} where ${and(eq(users.id, userId), eq(users.email, email), isNull(users.deletedAt))})`
}

export function organizationFull() {
  return problem('conflict', `An organization can have at most ${membersPerOrganizationMax} members.`)
}
