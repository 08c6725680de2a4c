import { and, eq, isNull, sql } from 'drizzle-orm'
import { resetPasswordTtlMs, verifyEmailTtlMs } from '../../core/limits.ts'
import type { ProblemError } from '../../core/problems.ts'
import { accountAuditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { newOneTimeToken, sweepTokens } from '../../db/one_time_tokens.ts'
import { users } from '../../db/schema.ts'
import { isReserved, newAttempt, reserve, tooMany } from './throttle.ts'

/** Mails with a token that anybody can ask for by an e-mail: what throttles asking, and what the account's log calls it. */
const kinds = {
  verify_email: { throttle: 'verify_email', ttlMs: verifyEmailTtlMs, action: 'email.verify_request' },
  reset_password: { throttle: 'password_reset', ttlMs: resetPasswordTtlMs, action: 'password.reset_request' },
} as const

export interface MailOwner {
  id: string
  accountId: string
}

/** Who has the e-mail; undefined for nobody and for who is deleted. */
export async function findMailOwner({ db }: BaseCtx, email: string): Promise<MailOwner | undefined> {
  const [owner] = await db
    .select({ id: users.id, accountId: users.accountId })
    .from(users)
    .where(and(eq(users.email, email), isNull(users.deletedAt)))
  return owner
}

/**
 * Writes the mail with its token, in one D1 batch with the place that it takes; answers the 429 when there is none. For nobody,
 * and to confirm an e-mail that is confirmed, the same statements write the place only, and the job that follows finds no mail:
 * neither the answer nor its time tell who is known.
 */
export async function sendTokenMail(
  ctx: BaseCtx,
  kind: keyof typeof kinds,
  email: string,
  owner: MailOwner | undefined,
): Promise<ProblemError | undefined> {
  const { throttle, ttlMs, action } = kinds[kind]
  const { id, accountId } = owner ?? { id: '', accountId: '' }
  const attempt = newAttempt(ctx, { kind: throttle, subject: email })
  const wanted = and(
    eq(users.id, id),
    eq(users.email, email),
    isNull(users.deletedAt),
    kind === 'verify_email' ? isNull(users.emailVerifiedAt) : undefined,
    isReserved(attempt),
  )
  const source = sql`from ${users} where ${wanted}`
  const token = newOneTimeToken(ctx, kind, id, ttlMs, source)
  const mail = newMail(ctx, kind, { to: email, ownerId: id }, { token: token.token }, source)
  // Whoever asked showed nothing.
  const actor = { kind: 'user', id: null } as const
  const [, reserved, [usage]] = await ctx.db.batch([
    ...reserve(ctx, attempt),
    sweepTokens(ctx),
    token.statement,
    mail.statement,
    accountAuditStatement(ctx, { accountId, actor }, { action, target: { kind: 'user', id } }, source),
  ])
  if (reserved.length === 0) return tooMany(attempt, usage)
  queueMails(ctx, [mail])
  return undefined
}
