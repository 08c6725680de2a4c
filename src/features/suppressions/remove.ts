import { and, eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { problem } from '../../core/problems.ts'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { mailSuppressions } from '../../db/schema_jobs.ts'
import type { removeSuppressionQuery } from './schema.ts'

/** Staff let mails to an address through again, whatever stopped them. Throws 404 where nothing does. */
export async function removeSuppression(ctx: UserCtx, { email, scope }: z.output<typeof removeSuppressionQuery>): Promise<void> {
  const found = and(eq(mailSuppressions.email, email), eq(mailSuppressions.scope, scope))
  const entry = { action: 'mail_suppression.remove', target: { kind: 'email', id: email }, details: { scope } }
  const origin = { accountId: ctx.user.accountId, actor: auditPerson(ctx) }
  const [, removed] = await ctx.db.batch([
    accountAuditStatement(ctx, origin, entry, sql`from ${mailSuppressions} where ${found}`),
    ctx.db.delete(mailSuppressions).where(found).returning({ email: mailSuppressions.email }),
  ])
  if (removed.length === 0) throw problem('not_found', 'Nothing stops these mails to this address.')
}
