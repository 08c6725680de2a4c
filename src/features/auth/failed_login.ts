import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { accountAuditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'

/**
 * The audit entry of a login that failed; for an unknown person the same statement writes none. The throttle lets five an account
 * through in a quarter of an hour, and refusals after that write nothing.
 */
export function failedLogin(
  ctx: BaseCtx,
  user: { id: string; accountId: string } | undefined,
  reason: 'password' | 'email_unverified' | 'totp' | 'recovery_code',
  source: SQL = sql`where true`,
) {
  const entry = { action: 'auth.login_failed', target: { kind: 'user', id: user?.id ?? '' }, details: { reason } }
  // Who it was is not known.
  const actor = { kind: 'user', id: null } as const
  return accountAuditStatement(ctx, { accountId: user?.accountId ?? '', actor }, entry, user === undefined ? sql`where false` : source)
}
