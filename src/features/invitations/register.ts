import { and, eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { nameCharsMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { accountFull, hasRoomForUser } from '../../db/account_room.ts'
import { accountAuditStatement, auditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { accounts, memberships, users } from '../../db/schema.ts'
import { hashPassword } from '../auth/password.ts'
import { requireGoodPassword } from '../auth/password_check.ts'
import { findByToken, mayEnter, organizationFull, spendInvitation } from './by_token.ts'
import type { acceptedInvitationSchema, registerByInvitationSchema } from './schema.ts'

/**
 * Makes a user of the organization's account out of who was invited, with a confirmed e-mail, as the token shows that its
 * holder reads the mails. Of parallel uses of a token one takes effect. Then the user can log in.
 */
export async function registerByInvitation(
  ctx: BaseCtx,
  { token, password, name }: z.output<typeof registerByInvitationSchema>,
): Promise<z.input<typeof acceptedInvitationSchema>> {
  const invitation = await findByToken(ctx, token)
  const { id, email, role, organizationId, accountId, organizationName } = invitation
  if (invitation.userExists) throw knownUser()
  await requireGoodPassword(ctx, password, { email, names: [name, organizationName] })
  const passwordHash = await hashPassword(password)

  const userId = ctx.newId()
  const now = ctx.now()
  const made = sql`from ${users} where ${eq(users.id, userId)}`
  const actor = { kind: 'user', id: userId } as const
  const target = { kind: 'user', id: userId }
  const entry = { action: 'membership.create', target, details: { role, invitation_id: id } }
  const unknown = sql`not exists (select 1 from ${users} where ${eq(users.email, email)})`
  const results = await ctx.db.batch([
    // In the order of the tables' columns, as drizzle wants it.
    ctx.db.insert(users).select(
      sql`select ${userId}, ${accountId}, ${email}, ${name ?? nameOf(email)}, ${passwordHash}, 0, ${organizationId}, ${now}, ${now}, null,
        ${now}, ${now}, false, null, null, null, null, null, null, '{}' where ${mayEnter(ctx, token, invitation)} and ${unknown}
          and ${hasRoomForUser(accountId)}`,
    ),
    ctx.db.insert(memberships).select(sql`select ${userId}, ${organizationId}, ${role}, ${now} ${made}`),
    auditStatement(ctx, { organizationId, actor }, entry, made),
    accountAuditStatement(ctx, { accountId, actor }, { action: 'user.create', target, details: { invitation_id: id } }, made),
    spendInvitation(ctx, token, invitation, userId),
  ])
  if (results[4].length > 0) return { user_id: userId, organization_id: organizationId, organization_name: organizationName, role }
  const { userExists } = await findByToken(ctx, token)
  if (userExists) throw knownUser()
  const [room] = await ctx.db
    .select({ id: accounts.id })
    .from(accounts)
    .where(and(eq(accounts.id, accountId), hasRoomForUser(accountId)))
  throw room ? organizationFull() : accountFull()
}

function nameOf(email: string): string {
  return email.slice(0, Math.min(email.indexOf('@'), nameCharsMax))
}

function knownUser() {
  return problem('conflict', 'A user has this e-mail already: sign in and POST /api/v1/invitations/accept.')
}
