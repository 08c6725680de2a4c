import { and, eq, gt, isNull, ne, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type * as z from 'zod'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { accounts, organizations, sessions, users } from '../../db/schema.ts'
import { emailChanges, oneTimeTokens } from '../../db/schema_identity.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'
import { hashPassword } from './password.ts'
import { requireGoodPassword } from './password_check.ts'
import { accountOfOwner, organizationOfOwner, ownerColumns, passwordOwner } from './password_owner.ts'
import type { changePasswordSchema } from './password_schema.ts'
import { provePassword, wrongPassword } from './prove_password.ts'
import { release } from './throttle.ts'

/**
 * Replaces the password of the caller, who types the old one. All other sessions end with their live tails, and so do tokens
 * and a change of e-mail that somebody else may have started; this session stays. Of parallel changes one takes effect.
 */
export async function changePassword(
  ctx: UserCtx,
  { current_password, new_password }: z.output<typeof changePasswordSchema>,
): Promise<void> {
  const owner = await findOwner(ctx)
  await requireGoodPassword(ctx, new_password, passwordOwner(owner), 'new_password')
  const { attempt, passwordHash } = await provePassword(ctx, current_password)
  const newHash = await hashPassword(new_password)

  const now = ctx.now()
  const { id } = ctx.user
  const unchanged = and(eq(users.id, id), eq(users.passwordHash, passwordHash), isNull(users.deletedAt))
  const source = sql`from ${users} where ${unchanged}`
  const holds = sql`exists (select 1 ${source})`
  const origin = { accountId: ctx.user.accountId, actor: auditPerson(ctx) }
  const mail = newMail(ctx, 'password_changed', { to: owner.email, ownerId: id }, { at_ms: now }, source)
  const results = await ctx.db.batch([
    release(ctx, attempt),
    accountAuditStatement(ctx, origin, { action: 'password.change', target: { kind: 'user', id } }, source),
    mail.statement,
    ...endOthers(ctx, holds),
    ctx.db
      .update(users)
      .set({ passwordHash: newHash, passwordChangedAt: now, updatedAt: now })
      .where(unchanged)
      .returning({ id: users.id }),
  ])
  const [, , , ended, , , , changed] = results
  if (changed.length === 0) throw wrongPassword()
  queueMails(ctx, [mail])
  ctx.waitUntil(Promise.all(ended.map((session) => endTailsOfPerson(ctx, id, session.id))))
}

/** Statements that end what else gives a way in, as long as `holds`, and note that this session just proved the password. */
function endOthers({ db, user, sessionId, now }: UserCtx, holds: SQL) {
  const ofUser = eq(sessions.userId, user.id)
  const ownTokens = and(eq(oneTimeTokens.userId, user.id), sql`${oneTimeTokens.kind} in ('reset_password', 'set_password')`)
  return [
    db
      .update(sessions)
      .set({ revokedAt: now() })
      .where(and(ofUser, ne(sessions.id, sessionId), isNull(sessions.revokedAt), gt(sessions.expiresAt, now()), holds))
      .returning({ id: sessions.id }),
    db
      .update(sessions)
      .set({ passwordProvedAt: now() })
      .where(and(ofUser, eq(sessions.id, sessionId), holds)),
    db
      .update(oneTimeTokens)
      .set({ usedAt: now() })
      .where(and(ownTokens, isNull(oneTimeTokens.usedAt), holds)),
    db.delete(emailChanges).where(and(eq(emailChanges.userId, user.id), holds)),
  ] as const
}

async function findOwner({ db, user }: UserCtx) {
  const [owner] = await db
    .select(ownerColumns)
    .from(users)
    .leftJoin(organizations, organizationOfOwner)
    .leftJoin(accounts, accountOfOwner)
    .where(eq(users.id, user.id))
  if (!owner) throw problem('invalid_token', 'The user does not exist any more.')
  return owner
}
