import { and, eq, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { recoveryCodes } from '../../db/schema_identity.ts'
import { newRecoveryCodes } from './recovery_code.ts'
import { hasSecondFactor } from './second_factor.ts'

/** New recovery codes for the caller in place of all old ones. */
export async function renewRecoveryCodes(ctx: UserCtx): Promise<string[]> {
  const { user } = ctx
  // A session from before the second factor must not get around it.
  if (!ctx.session.secondFactor) throw problem('second_factor_required', 'Log in with the second factor first.')
  const enabled = hasSecondFactor(user.id)
  const { codes, hashes } = newRecoveryCodes()
  const origin = { accountId: user.accountId, actor: auditPerson(ctx) }
  const entry = { action: 'recovery_codes.renew', target: { kind: 'user', id: user.id } }
  const [drop, add] = replaceRecoveryCodes(ctx, hashes, enabled)
  const [, , added] = await ctx.db.batch([accountAuditStatement(ctx, origin, entry, sql`where ${enabled}`), drop, add])
  if (added.length === 0) throw problem('conflict', 'There is no second factor.')
  return codes
}

/** Statements that put codes with these hashes in place of the caller's, where `condition` holds. */
export function replaceRecoveryCodes({ db, now, user }: UserCtx, hashes: readonly string[], condition: SQL) {
  const values = sql`from json_each(${JSON.stringify(hashes)}) where ${condition}`
  return [
    db.delete(recoveryCodes).where(and(eq(recoveryCodes.userId, user.id), condition)),
    // In the order of the table's columns, as drizzle wants it.
    db
      .insert(recoveryCodes)
      .select(sql`select ${user.id}, value, null, ${now()} ${values}`)
      .returning({ codeHash: recoveryCodes.codeHash }),
  ] as const
}
