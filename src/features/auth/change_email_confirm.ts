import { and, eq, gt, isNull, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, changesOf } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { invalidOneTimeToken } from '../../db/one_time_tokens.ts'
import { users } from '../../db/schema.ts'
import { emailChanges, oneTimeTokens } from '../../db/schema_identity.ts'
import { hashSecretToken } from '../../db/secret_token.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'

/** A change that waits, and whom it is about. */
interface Pending {
  userId: string
  accountId: string
  oldEmail: string
  newEmail: string
  address: 'old' | 'new'
}

/**
 * Confirms one of the two addresses of a change of e-mail; each token works once. With the second one the e-mail changes, in
 * the same D1 batch: all sessions end, and so do tokens in mails to the old address. Answers whether it has changed.
 */
export async function confirmChangeEmail(ctx: BaseCtx, token: string): Promise<{ changed: boolean }> {
  const tokenHash = hashSecretToken(token)
  const pending = await findPending(ctx, tokenHash)
  if (!pending) throw invalidOneTimeToken()
  const { userId } = pending
  ctx.log.add({ user_id: userId })
  const mail = noticeOf(ctx, pending, tokenHash)
  const results = await ctx.db.batch([
    auditConfirmation(ctx, pending, tokenHash),
    markConfirmed(ctx, tokenHash),
    auditChange(ctx, pending, tokenHash),
    mail.statement,
    endMailedTokens(ctx, pending, tokenHash),
    ctx.db
      .update(users)
      .set({
        email: pending.newEmail,
        emailVerifiedAt: ctx.now(),
        tokenVersion: sql`${users.tokenVersion} + 1`,
        updatedAt: ctx.now(),
      })
      .where(changesNow(pending, tokenHash))
      .returning({ id: users.id }),
    ctx.db.delete(emailChanges).where(isConfirmed(tokenHash)).returning({ userId: emailChanges.userId }),
  ])
  const [marked, changed, over] = [results[1], results[5], results[6]]
  if (marked.length === 0) throw invalidOneTimeToken()
  if (changed.length > 0) {
    queueMails(ctx, [mail])
    ctx.waitUntil(endTailsOfPerson(ctx, userId))
  } else if (over.length > 0) {
    // Both mailboxes are theirs, so this tells nothing that registering would not.
    throw problem('conflict', 'Somebody else has the new e-mail address by now. Begin again with another one.')
  }
  return { changed: changed.length > 0 }
}

async function findPending(ctx: BaseCtx, tokenHash: string): Promise<Pending | undefined> {
  const [row] = await ctx.db
    .select({
      userId: users.id,
      accountId: users.accountId,
      oldEmail: users.email,
      newEmail: emailChanges.newEmail,
      oldTokenHash: emailChanges.oldTokenHash,
    })
    .from(emailChanges)
    .innerJoin(users, and(eq(users.id, emailChanges.userId), isNull(users.deletedAt)))
    .where(isLive(ctx, tokenHash))
  return row && { ...row, address: row.oldTokenHash === tokenHash ? 'old' : 'new' }
}

/** A change whose token this is, as long as it can be confirmed by it. */
function isLive(ctx: BaseCtx, tokenHash: string): SQL | undefined {
  const { oldTokenHash, newTokenHash, oldConfirmedAt, newConfirmedAt, expiresAt } = emailChanges
  const unused = or(and(eq(oldTokenHash, tokenHash), isNull(oldConfirmedAt)), and(eq(newTokenHash, tokenHash), isNull(newConfirmedAt)))
  return and(gt(expiresAt, ctx.now()), unused)
}

/** The change whose token this is, with both addresses confirmed: only within the batch that removes it. */
function isConfirmed(tokenHash: string): SQL {
  const { oldTokenHash, newTokenHash, oldConfirmedAt, newConfirmedAt } = emailChanges
  return sql`(${oldTokenHash} = ${tokenHash} or ${newTokenHash} = ${tokenHash})
    and ${oldConfirmedAt} is not null and ${newConfirmedAt} is not null`
}

/** The user whose e-mail is to change now: everything is confirmed, and nobody else has the new one. */
function changesNow({ userId, oldEmail, newEmail }: Pending, tokenHash: string): SQL | undefined {
  return and(
    eq(users.id, userId),
    eq(users.email, oldEmail),
    isNull(users.deletedAt),
    sql`exists (select 1 from ${emailChanges} where ${isConfirmed(tokenHash)})`,
    sql`not exists (select 1 from ${users} as holder where holder.email = ${newEmail})`,
  )
}

function markConfirmed(ctx: BaseCtx, tokenHash: string) {
  const { oldTokenHash, newTokenHash, oldConfirmedAt, newConfirmedAt } = emailChanges
  return ctx.db
    .update(emailChanges)
    .set({
      oldConfirmedAt: sql`case when ${oldTokenHash} = ${tokenHash} then ${ctx.now()} else ${oldConfirmedAt} end`,
      newConfirmedAt: sql`case when ${newTokenHash} = ${tokenHash} then ${ctx.now()} else ${newConfirmedAt} end`,
    })
    .where(isLive(ctx, tokenHash))
    .returning({ userId: emailChanges.userId })
}

function auditConfirmation(ctx: BaseCtx, { userId, accountId, address }: Pending, tokenHash: string) {
  const origin = { accountId, actor: { kind: 'user', id: userId } } as const
  const entry = { action: 'user.confirm_email_change', target: { kind: 'user', id: userId }, details: { address } }
  return accountAuditStatement(ctx, origin, entry, sql`from ${emailChanges} where ${isLive(ctx, tokenHash)}`)
}

function auditChange(ctx: BaseCtx, pending: Pending, tokenHash: string) {
  const { userId, accountId, oldEmail, newEmail } = pending
  const origin = { accountId, actor: { kind: 'user', id: userId } } as const
  const changes = changesOf({ email: oldEmail }, { email: newEmail })
  const entry = { action: 'user.email_changed', target: { kind: 'user', id: userId }, changes }
  return accountAuditStatement(ctx, origin, entry, sql`from ${users} where ${changesNow(pending, tokenHash)}`)
}

function noticeOf(ctx: BaseCtx, pending: Pending, tokenHash: string) {
  const { userId, oldEmail, newEmail } = pending
  const source = sql`from ${users} where ${changesNow(pending, tokenHash)}`
  return newMail(ctx, 'email_changed', { to: oldEmail, ownerId: userId }, { new_email: newEmail }, source)
}

/** What was mailed to the old address is worth nothing any more: its mailbox may be somebody else's soon. */
function endMailedTokens(ctx: BaseCtx, pending: Pending, tokenHash: string) {
  const happens = sql`exists (select 1 from ${users} where ${changesNow(pending, tokenHash)})`
  return ctx.db
    .update(oneTimeTokens)
    .set({ usedAt: ctx.now() })
    .where(and(eq(oneTimeTokens.userId, pending.userId), isNull(oneTimeTokens.usedAt), happens))
}
