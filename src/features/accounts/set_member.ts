import { and, eq, sql } from 'drizzle-orm'
import type { AccountRole } from '../../core/permissions.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditEntry } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { accountMemberships, accounts, users } from '../../db/schema.ts'
import { changedMeanwhile, noSuchMember } from './json.ts'
import { hasOtherOwner, liveUser, stillHasRole } from './live.ts'
import type { AccountMemberJson } from './schema.ts'

export interface MemberInput {
  userId: string
  role: AccountRole
  /** Whether a user of the account without a role may get one. */
  mayBeNew: boolean
}

/** Gives a user of the account a role in it, or another one. The last owner stays owner. */
export async function setAccountMember(ctx: AccountCtx, { userId, role, mayBeNew }: MemberInput): Promise<AccountMemberJson> {
  const before = await memberOf(ctx, userId)
  if (before === undefined || (before.role === null && !mayBeNew)) throw noSuchMember()
  const { email, name, accountName } = before
  if (before.role === role) return memberJson(userId, { email, name, role, createdAt: before.since ?? ctx.now() })
  const now = ctx.now()
  const steps = before.role === 'owner' ? hasOtherOwner(ctx, userId) : undefined
  const where = liveUser(ctx, userId, stillHasRole(ctx, userId, before.role), steps)
  const changes = { role: { before: before.role, after: role } }
  const entry = { action: 'account_member.update', target: { kind: 'user', id: userId }, changes }
  const about = { thing: 'account', name: accountName, role } as const
  const mail = newMail(ctx, 'membership_changed', { to: email, ownerId: ctx.account.id }, about, sql`from ${users} where ${where}`)
  const [, , rows] = await ctx.db.batch([
    accountAuditEntry(ctx, entry, users, where),
    mail.statement,
    ctx.db
      .insert(accountMemberships)
      .select(sql`select ${userId}, ${ctx.account.id}, ${role}, ${now} from ${users} where ${where}`)
      .onConflictDoUpdate({ target: [accountMemberships.userId, accountMemberships.accountId], set: { role } })
      .returning(),
  ])
  const row = rows[0]
  if (!row) throw before.role === 'owner' ? lastOwner() : changedMeanwhile()
  queueMails(ctx, [mail])
  return memberJson(userId, { email, name, role, createdAt: row.createdAt })
}

/** A live user of the account with the role there, null for none. */
export async function memberOf(ctx: AccountCtx, userId: string) {
  const membership = and(eq(accountMemberships.userId, users.id), eq(accountMemberships.accountId, users.accountId))
  const [row] = await ctx.db
    .select({
      email: users.email,
      name: users.name,
      accountName: accounts.name,
      role: accountMemberships.role,
      since: accountMemberships.createdAt,
    })
    .from(users)
    .innerJoin(accounts, eq(accounts.id, users.accountId))
    .leftJoin(accountMemberships, membership)
    .where(liveUser(ctx, userId))
  return row
}

export function lastOwner() {
  return problem('last_owner', 'An account must have an owner. Hand it over first.')
}

function memberJson(userId: string, { createdAt, ...rest }: { email: string; name: string; role: AccountRole; createdAt: number }) {
  return { user_id: userId, ...rest, created_at: new Date(createdAt).toISOString() }
}
