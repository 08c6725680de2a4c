import { and, asc, eq, gt, isNull, lte, ne, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import {
  mailsKeptMs,
  unverifiedKeptMs,
  unverifiedNoticeMs,
  unverifiedRemovedMax,
  verifyEmailTtlMs,
  verifyReminderAfterMs,
  verifyRemindersMax,
} from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { newMail, queueMails } from '../db/mails.ts'
import { newOneTimeToken } from '../db/one_time_tokens.ts'
import { users } from '../db/schema.ts'
import { mails } from '../db/schema_content.ts'
import { noPassword } from '../features/auth/password.ts'
import { deleteUser } from '../features/users/delete_user.ts'
import { ownershipOf } from '../features/users/ownership.ts'

/*
 * People who registered and never confirmed their e-mail. Where that is required they cannot log in: they are reminded once, and
 * deleted when they do not come. Elsewhere they work without, and are only reminded.
 */

const isUnverified = and(isNull(users.emailVerifiedAt), isNull(users.deletedAt), ne(users.passwordHash, noPassword))
const everybody = sql`true`

/** Reminds those who registered two days ago or earlier, each once, with a new token. `among` narrows who is looked at. */
export async function remindUnverified(ctx: BaseCtx, among: SQL = everybody): Promise<void> {
  const now = ctx.now()
  // A reminder is remembered by its mail, so whoever could have been reminded longer ago than mails are kept is left alone.
  const isDue = and(lte(users.createdAt, now - verifyReminderAfterMs), gt(users.createdAt, now - mailsKeptMs))
  const due = await ctx.db
    // The template within keeps the name of the table, without which the subqueries would mean their own columns.
    .select({ id: users.id, email: users.email, createdAt: users.createdAt, goes: sql<number>`${storedNothingAlone}`.as('goes') })
    .from(users)
    .where(and(isUnverified, isDue, sql`not ${wasReminded()}`, among))
    .orderBy(asc(users.createdAt))
    .limit(verifyRemindersMax)
  const reminders = due.map((user) => {
    const goes = ctx.config.verifiedEmailRequired && user.goes === 1
    const endsAtMs = goes ? Math.max(user.createdAt + unverifiedKeptMs, now + unverifiedNoticeMs) : null
    return reminderOf(ctx, user, endsAtMs)
  })
  const [first, ...others] = reminders.flatMap(({ statements }) => statements)
  if (first === undefined) return
  await ctx.db.batch([first, ...others])
  queueMails(
    ctx,
    reminders.map(({ mail }) => mail),
  )
}

/** The mail with its token; neither is written when the person confirmed, or another run was first. */
function reminderOf(ctx: BaseCtx, { id, email }: { id: string; email: string }, endsAtMs: number | null) {
  const mailId = ctx.newId()
  const isMailed = sql`where exists (select 1 from ${mails} where ${eq(mails.id, mailId)})`
  const { token, statement } = newOneTimeToken(ctx, 'verify_email', id, verifyEmailTtlMs, isMailed)
  const mail = newMail(
    ctx,
    'verify_reminder',
    { to: email, ownerId: id, id: mailId, onceKey: reminderKey.of(id) },
    { token, ends_at_ms: endsAtMs },
    sql`from ${users} where ${and(eq(users.id, id), isUnverified)}`,
  )
  return { mail, statements: [mail.statement, statement] as const }
}

/**
 * Deletes, as if they had done it themselves, people who registered two weeks ago, were reminded a week ago, and whose
 * organizations have nobody else and no logs. `among` narrows who is looked at.
 */
export async function removeUnverified(ctx: BaseCtx, among: SQL = everybody): Promise<void> {
  if (!ctx.config.verifiedEmailRequired) return
  const now = ctx.now()
  const goes = and(isUnverified, eq(users.isStaff, false), storedNothingAlone)
  const wasToldInTime = wasReminded(and(lte(mails.createdAt, now - unverifiedNoticeMs), ne(mails.status, 'pending')))
  const due = await ctx.db
    .select({ id: users.id, email: users.email, accountId: users.accountId, isStaff: users.isStaff })
    .from(users)
    .where(and(goes, lte(users.createdAt, now - unverifiedKeptMs), wasToldInTime, among))
    .orderBy(asc(users.createdAt))
    .limit(unverifiedRemovedMax)
  let removed = 0
  for (const user of due) {
    const { organizations, accounts } = await ownershipOf(ctx, user.id)
    const along = { organizationIds: organizations.map(({ id }) => id), accountIds: accounts.map(({ id }) => id) }
    if (await deleteUser(ctx, { user, along, condition: goes, actor: { kind: 'system', id: null } })) removed += 1
  }
  ctx.log.add({ unverified_removed: removed })
}

/** What makes a reminder a person's only one: of a given id, and of a row of `users`. */
const reminderKey = {
  of: (userId: string) => `verify-reminder:${userId}`,
  ofRow: sql`'verify-reminder:' || ${users.id}`,
}

/** Whether there is a reminder, of which this holds, as a condition on `users`. */
function wasReminded(holds: SQL = everybody): SQL {
  return sql`exists (select 1 from ${mails} where ${mails.onceKey} = ${reminderKey.ofRow} and ${holds})`
}

/**
 * Whether the person registered, that is owns the account, nobody else is in it or in the person's organizations, and none of
 * them ever stored logs, as a condition on `users`.
 */
const storedNothingAlone = sql`(exists (select 1 from account_memberships a
    where a.user_id = ${users.id} and a.account_id = ${users.accountId} and a.role = 'owner')
  and not exists (select 1 from account_memberships a join account_memberships o on o.account_id = a.account_id
    where a.user_id = ${users.id} and o.user_id <> a.user_id)
  and not exists (select 1 from users u where u.account_id = ${users.accountId} and u.id <> ${users.id} and u.deleted_at is null)
  and not exists (select 1 from memberships m join memberships o on o.organization_id = m.organization_id
    where m.user_id = ${users.id} and o.user_id <> m.user_id)
  and not exists (select 1 from memberships m join log_shards s on s.organization_id = m.organization_id
    where m.user_id = ${users.id}))`
