import { and, lt, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { uuidv7Bound } from '../core/ids.ts'
import { endedKeptMs, endedRowsRemovedMax, refreshTokenTtlMs } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { sessions } from '../db/schema.ts'
import { emailChanges, loginAttempts, oneTimeTokens } from '../db/schema_identity.ts'

/**
 * Removes what ended long ago and that nobody came back to clear away: attempts that no longer count, tokens, changes of
 * e-mail, and sessions. What is more than one statement removes is for the next run.
 */
export async function forgetEnded(ctx: BaseCtx): Promise<void> {
  const before = ctx.now() - endedKeptMs
  // Only sessions begun longer ago than one lasts without use are looked at: of those the most are over.
  const begunLongAgo = lt(sessions.id, uuidv7Bound(before - refreshTokenTtlMs))
  const over = sql`(${sessions.expiresAt} < ${before} or ${sessions.revokedAt} < ${before})`
  await ctx.db.batch([
    removeSome(ctx, loginAttempts, lt(loginAttempts.createdAt, before)),
    removeSome(ctx, oneTimeTokens, lt(oneTimeTokens.expiresAt, before)),
    removeSome(ctx, emailChanges, lt(emailChanges.expiresAt, before)),
    removeSome(ctx, sessions, and(begunLongAgo, over)),
  ])
}

function removeSome(ctx: BaseCtx, table: SQLiteTable, where: SQL | undefined) {
  return ctx.db.delete(table).where(sql`rowid in (select rowid from ${table} where ${where} limit ${endedRowsRemovedMax})`)
}
