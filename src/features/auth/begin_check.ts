import type { BatchItem } from 'drizzle-orm/batch'
import { loginWaitMs, loginWaitsMax } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { mayPassSoon, newAttempt, reserve, tooMany } from './throttle.ts'
import type { Attempt } from './throttle.ts'

/**
 * Takes a place for a check of a secret of the person with this e-mail, and asks `query` in the same D1 round trip; throws 429
 * when failures used up a limit. The attempt ends with `release` or `markFailed`.
 */
export async function beginCheck<Q extends BatchItem<'sqlite'>>(
  ctx: BaseCtx,
  email: string,
  query: () => Q,
): Promise<{ attempt: Attempt; rows: Q['_']['result'] }> {
  for (let waits = 0; ; waits += 1) {
    const attempt = newAttempt(ctx, { kind: 'login', subject: email })
    const [, reserved, [usage], rows] = await ctx.db.batch([...reserve(ctx, attempt), query()])
    if (reserved.length > 0) return { attempt, rows }
    if (waits === loginWaitsMax || !mayPassSoon(attempt, usage)) throw tooMany(attempt, usage)
    await new Promise((resolve) => setTimeout(resolve, loginWaitMs))
  }
}
