import { sql } from 'drizzle-orm'
import { mailErrorCharsMax } from '../../core/limits.ts'
import type { BaseCtx } from '../../db/context.ts'
import { mailSuppressions } from '../../db/schema_jobs.ts'

/** The mailbox of an address is not there: it is not written to any more. A bounce stands above a complaint, which stops less. */
export async function suppressBounce(ctx: BaseCtx, email: string, detail: string): Promise<void> {
  const row = { email, scope: 'all', reason: 'bounce', detail: detail.slice(0, mailErrorCharsMax), createdAt: ctx.now() } as const
  await ctx.db
    .insert(mailSuppressions)
    .values(row)
    .onConflictDoUpdate({
      target: [mailSuppressions.email, mailSuppressions.scope],
      set: row,
      setWhere: sql`${mailSuppressions.reason} <> 'manual'`,
    })
}
