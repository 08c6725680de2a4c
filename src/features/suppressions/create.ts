import { sql } from 'drizzle-orm'
import type * as z from 'zod'
import { accountAuditStatement, auditPerson } from '../../db/audit.ts'
import type { UserCtx } from '../../db/context.ts'
import { mailSuppressions } from '../../db/schema_jobs.ts'
import { suppressionJson } from './json.ts'
import type { createSuppressionSchema, SuppressionJson } from './schema.ts'

/** Staff stop mails to an address until they let them through again; what stopped them before is replaced. */
export async function createSuppression(
  ctx: UserCtx,
  { email, scope, detail }: z.output<typeof createSuppressionSchema>,
): Promise<SuppressionJson> {
  const row = { email, scope, reason: 'manual', detail, createdAt: ctx.now() } as const
  const entry = { action: 'mail_suppression.create', target: { kind: 'email', id: email }, details: { scope } }
  await ctx.db.batch([
    accountAuditStatement(ctx, { accountId: ctx.user.accountId, actor: auditPerson(ctx) }, entry, sql`where true`),
    ctx.db
      .insert(mailSuppressions)
      .values(row)
      .onConflictDoUpdate({ target: [mailSuppressions.email, mailSuppressions.scope], set: row }),
  ])
  return suppressionJson(row)
}
