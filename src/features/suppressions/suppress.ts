import { sql } from 'drizzle-orm'
import { mailErrorCharsMax } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { mailSuppressions } from '../../db/schema_jobs.ts'

/**
 * Condition on a conflict: the reason to come stands above the one there is. What stops more stays: staff's word above a missing
 * mailbox, that above what people do not want.
 */
export const standsAbove = sql`${mailSuppressions.reason} <> 'manual' and (${mailSuppressions.reason} <> 'bounce' or excluded.reason = 'bounce')`

/** The mailbox of an address is not there: it is not written to any more. */
export async function suppressBounce(ctx: BaseCtx, email: string, detail: string): Promise<void> {
  const row = { email, scope: 'all', reason: 'bounce', detail: detail.slice(0, mailErrorCharsMax), createdAt: ctx.now() } as const
  await ctx.db
    .insert(mailSuppressions)
    .values(row)
    .onConflictDoUpdate({
      target: [mailSuppressions.email, mailSuppressions.scope],
      set: row,
      setWhere: standsAbove,
    })
}
