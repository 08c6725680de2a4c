import { isNull, not, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { totpSetupMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { secondFactors } from '../../db/schema_identity.ts'
import { seal } from '../../db/sealed.ts'
import { hasSecondFactor, secretPlace } from './second_factor.ts'
import type { totpSetupSchema } from './session_schema.ts'
import { newTotpSecret, totpUri } from './totp.ts'

/** A new secret for the caller's authenticator, at work once confirmed; one that waits is replaced. */
export async function beginTotp(ctx: UserCtx): Promise<z.input<typeof totpSetupSchema>> {
  const { user } = ctx
  const now = ctx.now()
  const secret = newTotpSecret()
  const fresh = { sealedSecret: seal(ctx.config.sealingKeys, secretPlace(user.id), secret), lastStep: 0, createdAt: now }
  const origin = { accountId: user.accountId, actor: auditPerson(ctx) }
  const entry = { action: 'second_factor.begin', target: { kind: 'user', id: user.id } }
  const [, rows] = await ctx.db.batch([
    accountAuditStatement(ctx, origin, entry, sql`where ${not(hasSecondFactor(user.id))}`),
    ctx.db
      .insert(secondFactors)
      .values({ userId: user.id, ...fresh })
      .onConflictDoUpdate({ target: secondFactors.userId, set: fresh, setWhere: isNull(secondFactors.confirmedAt) })
      .returning({ userId: secondFactors.userId }),
  ])
  if (rows.length === 0) throw problem('conflict', 'There is a second factor already. Remove it first.')
  const { host } = new URL(ctx.config.publicUrl)
  return {
    secret,
    // A person may have accounts at several deployments.
    otpauth_uri: totpUri({ secret, issuer: `Edgelog ${host}`, label: user.email }),
    expires_at: new Date(now + totpSetupMs).toISOString(),
  }
}
