import { sql } from 'drizzle-orm'
import { accountAuditEntry } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { accountMemberships } from '../../db/schema.ts'
import { hasOtherOwner, membershipOf, stillHasRole } from './live.ts'
import { findMember, whyNot } from './member.ts'

/** Takes a user's role in the account; the user stays one of the account, and a member of organizations. The last owner stays. */
export async function removeAccountMember(ctx: AccountCtx, userId: string): Promise<void> {
  const { role, email, accountName } = await findMember(ctx, userId)
  const where = membershipOf(ctx, userId, stillHasRole(ctx, userId, role), role === 'owner' ? hasOtherOwner(ctx, userId) : undefined)
  const changes = { role: { before: role, after: null } }
  const action = userId === ctx.user.id ? 'account_member.leave' : 'account_member.remove'
  const entry = { action, target: { kind: 'user', id: userId }, changes }
  const mail = newMail(
    ctx,
    'membership_removed',
    { to: email, ownerId: ctx.account.id },
    { thing: 'account', name: accountName },
    sql`from ${accountMemberships} where ${where}`,
  )
  const [, , rows] = await ctx.db.batch([
    accountAuditEntry(ctx, entry, accountMemberships, where),
    mail.statement,
    ctx.db.delete(accountMemberships).where(where).returning({ userId: accountMemberships.userId }),
  ])
  if (rows.length === 0) throw await whyNot(ctx, userId, role)
  queueMails(ctx, [mail])
}

/** Whoever has a role in the account may give it up, but for the last owner. */
export async function leaveAccount(ctx: AccountCtx): Promise<void> {
  await removeAccountMember(ctx, ctx.user.id)
}
