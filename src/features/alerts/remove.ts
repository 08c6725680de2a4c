import { eq, inArray } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import { shortFields } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { alertRules, silences } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import { farewell, sendFarewell } from './farewell.ts'
import { fieldsOf, findRule, ownRules, requireVersion } from './rule.ts'
import type { IsWanted } from './rule.ts'

/**
 * Deletes a rule for ever, and the silences that are for it alone; throws `precondition_failed` when the present version is not
 * wanted. What waits to be told is told, and that it is over; history and notifications end by their age.
 */
export async function deleteAlert(ctx: TenantCtx, id: string, isWanted: IsWanted): Promise<void> {
  const before = await findRule(ctx, id)
  requireVersion(before, isWanted)
  // What the entry tells is what is deleted.
  const where = ownRules(ctx, eq(alertRules.id, id), eq(alertRules.version, before.version))
  const entry = { action: 'alert.delete', target: { kind: 'alert', id }, details: shortFields(fieldsOf(before)) }
  const isThere = ctx.db.select({ id: alertRules.id }).from(alertRules).where(where)
  const over = await farewell(ctx, before, where)
  const results: readonly unknown[] = await ctx.db.batch([
    auditEntry(ctx, entry, alertRules, where),
    ctx.db.delete(silences).where(inTenant(ctx, silences, inArray(silences.ruleId, isThere))),
    ...over.statements,
    ctx.db.delete(alertRules).where(where).returning({ id: alertRules.id }),
  ])
  const deleted = results.at(-1) as unknown[]
  if (deleted.length > 0) return sendFarewell(ctx, over)
  requireVersion(await findRule(ctx, id), isWanted)
  throw problem('conflict', 'The rule was changed by somebody else meanwhile. Look at it and try again.')
}
