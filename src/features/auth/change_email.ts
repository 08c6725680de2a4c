import { eq, sql } from 'drizzle-orm'
import { changeEmailTtlMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { users } from '../../db/schema.ts'
import { emailChanges } from '../../db/schema_identity.ts'
import { newSecretToken } from '../../db/secret_token.ts'
import { takePlace } from './throttle.ts'

/**
 * Begins a change of the caller's e-mail, which replaces one that waits: a mail with a token goes to either address. Where
 * somebody has the new one already, the same statements run, no mail goes there, and so the change never comes about.
 */
export async function changeEmail(ctx: UserCtx, newEmail: string): Promise<{ expiresAt: number }> {
  const { user, db } = ctx
  if (newEmail === user.email) throw problem('unprocessable', 'This is your e-mail address already.')
  await takePlace(ctx, { kind: 'change_email', subject: newEmail, source: user.id })
  const now = ctx.now()
  const expiresAt = now + changeEmailTtlMs
  const [forOld, forNew] = [newSecretToken(), newSecretToken()]
  const change = {
    newEmail,
    oldTokenHash: forOld.tokenHash,
    newTokenHash: forNew.tokenHash,
    oldConfirmedAt: null,
    newConfirmedAt: null,
    createdAt: now,
    expiresAt,
  }
  const unknown = sql`where not exists (select 1 from ${users} where ${eq(users.email, newEmail)})`
  const mails = [
    newMail(ctx, 'change_email_old', { to: user.email, ownerId: user.id }, { token: forOld.token, new_email: newEmail }),
    newMail(ctx, 'change_email_new', { to: newEmail, ownerId: user.id }, { token: forNew.token }, unknown),
  ] as const
  const origin = { accountId: user.accountId, actor: auditPerson(ctx) }
  const entry = { action: 'user.change_email', target: { kind: 'user', id: user.id }, details: { new_email: newEmail } }
  await db.batch([
    db
      .insert(emailChanges)
      .values({ userId: user.id, ...change })
      .onConflictDoUpdate({ target: emailChanges.userId, set: change }),
    accountAuditStatement(ctx, origin, entry, sql`where true`),
    mails[0].statement,
    mails[1].statement,
  ])
  queueMails(ctx, mails)
  return { expiresAt }
}
