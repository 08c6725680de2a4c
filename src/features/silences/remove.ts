import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import { shortFields } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { silences } from '../../db/schema_alerts.ts'
import { fieldsOf, findSilence, ownSilences } from './silence.ts'

/** Deletes a silence: what it kept quiet is told about again. */
export async function deleteSilence(ctx: TenantCtx, id: string): Promise<void> {
  const before = await findSilence(ctx, id)
  // What the entry tells is what is deleted.
  const where = ownSilences(ctx, eq(silences.id, id), eq(silences.updatedAt, before.updatedAt))
  const entry = { action: 'silence.delete', target: { kind: 'silence', id }, details: shortFields(fieldsOf(before)) }
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, silences, where),
    ctx.db.delete(silences).where(where).returning({ id: silences.id }),
  ])
  if (rows.length > 0) return
  await findSilence(ctx, id)
  throw problem('conflict', 'The silence was changed by somebody else meanwhile. Look at it and try again.')
}
