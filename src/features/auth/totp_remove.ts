import { and, eq, not, sql } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { sessions } from '../../db/schema.ts'
import { recoveryCodes, secondFactors } from '../../db/schema_identity.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'
import { beginCheck } from './begin_check.ts'
import { failedLogin } from './failed_login.ts'
import { confirmedFactorOf, hasSecondFactor, isUnspent, proofOf, wrongCodeNow } from './second_factor.ts'
import type { Proof, SentCodes } from './second_factor.ts'
import { markFailed, release } from './throttle.ts'
import type { Attempt } from './throttle.ts'

/**
 * Removes the caller's second factor. A wrong code counts as a failed login. No session has a second factor from then on: what
 * organizations require ends at once.
 */
export async function removeTotp(ctx: UserCtx, codes: SentCodes): Promise<void> {
  const { user } = ctx
  const { attempt, rows } = await beginCheck(ctx, user.email, () =>
    ctx.db.select({ sealedSecret: secondFactors.sealedSecret }).from(secondFactors).where(confirmedFactorOf(user.id)),
  )
  const [factor] = rows
  if (!factor) {
    await release(ctx, attempt)
    throw problem('conflict', 'There is no second factor.')
  }
  const proof = proofOf(ctx, user.id, factor.sealedSecret, codes)
  if (proof === undefined || !(await remove(ctx, proof, attempt))) {
    if (proof === undefined) await ctx.db.batch([failedLogin(ctx, user, 'totp'), markFailed(ctx, attempt)])
    throw wrongCodeNow(codes.recoveryCode === undefined ? 'totp_code' : 'recovery_code')
  }
  ctx.waitUntil(endTailsOfPerson(ctx, user.id))
}

/** Whether the proof was good; if not, the attempt counts as failed. */
async function remove(ctx: UserCtx, proof: Proof, attempt: Attempt): Promise<boolean> {
  const { user } = ctx
  const good = isUnspent(user.id, proof)
  const gone = not(hasSecondFactor(user.id))
  const origin = { accountId: user.accountId, actor: auditPerson(ctx) }
  const entry = { action: 'second_factor.disable', target: { kind: 'user', id: user.id }, details: { by: proof.kind } }
  const mail = newMail(ctx, 'second_factor_disabled', { to: user.email, ownerId: user.id }, {}, sql`where ${good}`)
  const [, , , , , rows] = await ctx.db.batch([
    accountAuditStatement(ctx, origin, entry, sql`where ${good}`),
    failedLogin(ctx, user, proof.kind, sql`where not ${good}`),
    mail.statement,
    ctx.db
      .update(sessions)
      .set({ secondFactorAt: null })
      .where(and(eq(sessions.userId, user.id), good)),
    markFailed(ctx, attempt, not(good)),
    ctx.db
      .delete(secondFactors)
      .where(and(eq(secondFactors.userId, user.id), good))
      .returning({ userId: secondFactors.userId }),
    ctx.db.delete(recoveryCodes).where(and(eq(recoveryCodes.userId, user.id), gone)),
    release(ctx, attempt, gone),
  ])
  if (rows.length === 0) return false
  queueMails(ctx, [mail])
  return true
}
