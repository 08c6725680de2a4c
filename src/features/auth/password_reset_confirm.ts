import { and, eq, isNull, or, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { accountAuditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { endTokens, invalidOneTimeToken, isLiveToken, spendToken, userOfToken } from '../../db/one_time_tokens.ts'
import { accounts, organizations, users } from '../../db/schema.ts'
import { emailChanges } from '../../db/schema_identity.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'
import { hashPassword } from './password.ts'
import { requireGoodPassword } from './password_check.ts'
import { accountOfOwner, organizationOfOwner, ownerColumns, passwordOwner } from './password_owner.ts'
import type { confirmResetSchema } from './password_schema.ts'
import { forgetFailures } from './throttle.ts'

/**
 * Sets a new password by a token out of a mail, asked for by the person or sent to a user that an administrator made. It ends
 * all sessions, live tails, further such tokens and a change of e-mail under way, and as the mail was read, confirms the
 * e-mail. Of parallel uses of a token one takes effect; the others, and bad tokens, get 400.
 */
export async function confirmPasswordReset(ctx: BaseCtx, { token, password }: z.output<typeof confirmResetSchema>): Promise<void> {
  const user = await findUser(ctx, token)
  if (!user) throw invalidOneTimeToken()
  const { id, kind } = user
  await requireGoodPassword(ctx, password, passwordOwner(user))
  const passwordHash = await hashPassword(password)

  const now = ctx.now()
  const live = isLiveToken(ctx, kind, token)
  const present = and(eq(users.id, id), isNull(users.deletedAt), live)
  const source = sql`from ${users} where ${present}`
  const origin = { accountId: user.accountId, actor: { kind: 'user', id } } as const
  const entry = { action: kind === 'reset_password' ? 'password.reset' : 'password.set', target: { kind: 'user', id } }
  const to = { to: user.email, ownerId: id }
  const mail = newMail(ctx, 'password_changed', to, { at_ms: now }, source)
  const results = await ctx.db.batch([
    accountAuditStatement(ctx, origin, entry, source),
    mail.statement,
    ctx.db.delete(emailChanges).where(and(eq(emailChanges.userId, id), live)),
    forgetFailures(ctx, { kind: 'login', subject: user.email }, live),
    ctx.db
      .update(users)
      .set({
        passwordHash,
        passwordChangedAt: now,
        tokenVersion: sql`${users.tokenVersion} + 1`,
        emailVerifiedAt: sql`coalesce(${users.emailVerifiedAt}, ${now})`,
        updatedAt: now,
      })
      .where(present)
      .returning({ id: users.id }),
    endTokens(ctx, 'verify_email', userOfToken(ctx, kind, token)),
    endTokens(ctx, kind === 'reset_password' ? 'set_password' : 'reset_password', userOfToken(ctx, kind, token)),
    endTokens(ctx, kind, userOfToken(ctx, kind, token), token),
    spendToken(ctx, kind, token),
  ])
  if (results[4].length === 0) throw invalidOneTimeToken()
  ctx.log.add({ user_id: id })
  queueMails(ctx, [mail])
  ctx.waitUntil(endTailsOfPerson(ctx, id))
}

async function findUser(ctx: BaseCtx, token: string) {
  const byReset = userOfToken(ctx, 'reset_password', token)
  const [user] = await ctx.db
    .select({
      ...ownerColumns,
      id: users.id,
      accountId: users.accountId,
      kind: sql<'reset_password' | 'set_password'>`iif(${users.id} = ${byReset}, 'reset_password', 'set_password')`.as('kind'),
    })
    .from(users)
    .leftJoin(organizations, organizationOfOwner)
    .leftJoin(accounts, accountOfOwner)
    .where(and(or(eq(users.id, byReset), eq(users.id, userOfToken(ctx, 'set_password', token))), isNull(users.deletedAt)))
  return user
}
