import { and, eq, gt, isNull, ne, sql } from 'drizzle-orm'
import { totpSetupMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { newMail, queueMails } from '../../db/mails.ts'
import { sessions } from '../../db/schema.ts'
import { secondFactors } from '../../db/schema_identity.ts'
import { unseal } from '../../db/sealed.ts'
import { endTailsOfPerson } from '../tail/end_tails.ts'
import { newRecoveryCodes } from './recovery_code.ts'
import { replaceRecoveryCodes } from './recovery_codes.ts'
import { secretPlace, wrongCodeNow } from './second_factor.ts'
import { totpStep } from './totp.ts'

/**
 * Puts the waiting secret to work, once a code shows that the authenticator has it; answers the recovery codes. The caller's
 * session has proved the second factor with it; all others end with their live tails, as a password alone opened them.
 */
export async function confirmTotp(ctx: UserCtx, code: string): Promise<string[]> {
  const { user } = ctx
  const now = ctx.now()
  const isWaiting = and(
    eq(secondFactors.userId, user.id),
    isNull(secondFactors.confirmedAt),
    gt(secondFactors.createdAt, now - totpSetupMs),
  )
  const [waiting] = await ctx.db.select({ sealedSecret: secondFactors.sealedSecret }).from(secondFactors).where(isWaiting)
  if (!waiting) throw noneWaits()
  const step = totpStep(unseal(ctx.config.sealingKeys, secretPlace(user.id), waiting.sealedSecret), code, now)
  if (step === undefined) throw wrongCodeNow('code')

  const which = and(isWaiting, eq(secondFactors.sealedSecret, waiting.sealedSecret))
  const waits = sql`exists (select 1 from ${secondFactors} where ${which})`
  const { codes, hashes } = newRecoveryCodes()
  const origin = { accountId: user.accountId, actor: auditPerson(ctx) }
  const entry = { action: 'second_factor.enable', target: { kind: 'user', id: user.id } }
  const mail = newMail(ctx, 'second_factor_enabled', { to: user.email, ownerId: user.id }, {}, sql`where ${waits}`)
  const [dropCodes, addCodes] = replaceRecoveryCodes(ctx, hashes, waits)
  const ofUser = and(eq(sessions.userId, user.id), isNull(sessions.revokedAt), gt(sessions.expiresAt, now), waits)
  const [, , , , , ended, rows] = await ctx.db.batch([
    accountAuditStatement(ctx, origin, entry, sql`where ${waits}`),
    mail.statement,
    dropCodes,
    addCodes,
    ctx.db
      .update(sessions)
      .set({ secondFactorAt: now })
      .where(and(eq(sessions.id, ctx.sessionId), waits)),
    ctx.db
      .update(sessions)
      .set({ revokedAt: now })
      .where(and(ne(sessions.id, ctx.sessionId), ofUser))
      .returning({ id: sessions.id }),
    // The last, as it ends what the others go by.
    ctx.db.update(secondFactors).set({ confirmedAt: now, lastStep: step }).where(which).returning({ userId: secondFactors.userId }),
  ])
  if (rows.length === 0) throw noneWaits()
  queueMails(ctx, [mail])
  ctx.waitUntil(Promise.all(ended.map((session) => endTailsOfPerson(ctx, user.id, session.id))))
  return codes
}

function noneWaits() {
  return problem('conflict', 'No second factor waits to be confirmed: POST /api/v1/auth/totp begins one.')
}
