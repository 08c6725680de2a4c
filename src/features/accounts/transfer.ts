import { and, eq, isNull, ne, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { ownersToldMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditEntry } from '../../db/audit.ts'
import type { AccountCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { accountMemberships, accounts, users } from '../../db/schema.ts'
import { accountJson, changedMeanwhile } from './json.ts'
import { liveAccount, liveUser, stillHasRole } from './live.ts'
import type { AccountJson } from './schema.ts'
import { userOf } from './member.ts'

/**
 * Hands the account to another of its users. An owner becomes admin and other owners stay; when staff does it, all former
 * owners become admins. One batch, so that the account has an owner at every moment.
 */
export async function transferAccount(ctx: AccountCtx, userId: string): Promise<AccountJson> {
  const { account, user } = ctx
  const isOwner = account.roles.includes('owner')
  if (isOwner && user.id === userId) throw problem('unprocessable', 'You own the account already. Name another user.')
  const newOwner = await userOf(ctx, userId)
  if (newOwner === undefined) throw problem('unprocessable', 'The new owner must be a user of the account.')
  const leaving = isOwner ? eq(accountMemberships.userId, user.id) : undefined
  const oldOwners = await ownersOf(ctx, userId, leaving)
  const stands = standing(ctx, userId, isOwner)
  const where = liveAccount(ctx, stands)
  const entry = {
    action: 'account.transfer',
    target: { kind: 'account', id: account.id },
    details: { to: userId, from: oldOwners.map((owner) => owner.userId) },
  }
  const about = { thing: 'account', name: newOwner.accountName, to: newOwner.email } as const
  const mails = [newOwner, ...oldOwners.slice(0, ownersToldMax)].map(({ email }) =>
    newMail(ctx, 'ownership_transferred', { to: email, ownerId: account.id }, about, sql`from ${accounts} where ${where}`),
  )
  const [rows] = await ctx.db.batch([
    ctx.db.select().from(accounts).where(where),
    accountAuditEntry(ctx, entry, accounts, where),
    ...mails.map(({ statement }) => statement),
    ctx.db
      .insert(accountMemberships)
      .select(sql`select ${userId}, ${account.id}, 'owner', ${ctx.now()} from ${accounts} where ${where}`)
      .onConflictDoUpdate({ target: [accountMemberships.userId, accountMemberships.accountId], set: { role: 'owner' } }),
    ctx.db
      .update(accountMemberships)
      .set({ role: 'admin' })
      .where(and(ownerships(ctx, userId), leaving, stands)),
  ])
  const row = rows[0]
  if (!row) throw changedMeanwhile()
  queueMails(ctx, mails)
  return accountJson(
    row,
    account.roles.map((role) => (role === 'owner' ? 'admin' : role)),
  )
}

function ownersOf(ctx: AccountCtx, newOwnerId: string, leaving: SQL | undefined) {
  return ctx.db
    .select({ userId: users.id, email: users.email })
    .from(accountMemberships)
    .innerJoin(users, and(eq(users.id, accountMemberships.userId), isNull(users.deletedAt)))
    .where(and(ownerships(ctx, newOwnerId), leaving))
}

/** Of everybody but the new owner. */
function ownerships({ account }: AccountCtx, newOwnerId: string): SQL | undefined {
  const own = eq(accountMemberships.accountId, account.id)
  return and(own, eq(accountMemberships.role, 'owner'), ne(accountMemberships.userId, newOwnerId))
}

/** The new owner is a user of the account, and the caller, where it is not staff who acts, owns it: both as a condition, of each statement. */
function standing(ctx: AccountCtx, newOwnerId: string, isOwner: boolean): SQL {
  const isUser = sql`exists (select 1 from ${users} where ${liveUser(ctx, newOwnerId)})`
  return isOwner ? sql`${isUser} and ${stillHasRole(ctx, ctx.user.id, 'owner')}` : isUser
}
