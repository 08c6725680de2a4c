import { sql } from 'drizzle-orm'
import type { AccountRole } from '../../core/permissions.ts'
import { accountAuditEntry } from '../../db/audit.ts'
import type { AuditEntry } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { accountMemberships, users } from '../../db/schema.ts'
import { hasOtherOwner, liveUser, stillHasRole } from './live.ts'
import { findMember, findUser, memberJson, whyNot } from './member.ts'
import type { AccountMemberJson } from './schema.ts'

export interface MemberInput {
  userId: string
  role: AccountRole
}

/** Gives a user of the account a role in it, or another one. The last owner stays owner. */
export async function setAccountMember(ctx: AccountCtx, input: MemberInput): Promise<{ member: AccountMemberJson; isNew: boolean }> {
  const before = await findUser(ctx, input.userId)
  return { member: await giveRole(ctx, before, input.role), isNew: before.role === null }
}

/** Gives somebody who has a role in the account another one. */
export async function changeAccountMember(ctx: AccountCtx, { userId, role }: MemberInput): Promise<AccountMemberJson> {
  return giveRole(ctx, await findMember(ctx, userId), role)
}

async function giveRole(ctx: AccountCtx, before: Awaited<ReturnType<typeof findUser>>, role: AccountRole): Promise<AccountMemberJson> {
  const { userId, email, name, accountName } = before
  const now = ctx.now()
  if (before.role === role) return memberJson({ userId, email, name, role, joinedAt: before.joinedAt ?? now })
  const stays = before.role === 'owner' ? hasOtherOwner(ctx, userId) : undefined
  const where = liveUser(ctx, userId, stillHasRole(ctx, userId, before.role), stays)
  const about = { thing: 'account', name: accountName, role } as const
  const mail = newMail(ctx, 'membership_changed', { to: email, ownerId: ctx.account.id }, about, sql`from ${users} where ${where}`)
  const [, , rows] = await ctx.db.batch([
    accountAuditEntry(ctx, entryOf(userId, before.role, role), users, where),
    mail.statement,
    ctx.db
      .insert(accountMemberships)
      .select(sql`select ${userId}, ${ctx.account.id}, ${role}, ${now} from ${users} where ${where}`)
      .onConflictDoUpdate({ target: [accountMemberships.userId, accountMemberships.accountId], set: { role } })
      .returning(),
  ])
  const row = rows[0]
  if (!row) throw await whyNot(ctx, userId, before.role)
  queueMails(ctx, [mail])
  return memberJson({ userId, email, name, role, joinedAt: row.createdAt })
}

function entryOf(userId: string, before: AccountRole | null, role: AccountRole): AuditEntry {
  const target = { kind: 'user', id: userId }
  return before === null
    ? { action: 'account_member.create', target, details: { role } }
    : { action: 'account_member.update', target, changes: { role: { before, after: role } } }
}
