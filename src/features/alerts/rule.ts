import { eq } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { alertRules } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import type { AlertDefinition } from './definition.ts'

export type RuleRow = Omit<typeof alertRules.$inferSelect, 'definition'> & { definition: AlertDefinition }

/** Whether a version, as `versionOf` names it, is one that the caller wants to change. */
export type IsWanted = (version: string) => boolean

export function ownRules(ctx: TenantCtx, ...conditions: (SQL | undefined)[]): SQL {
  return inTenant(ctx, alertRules, ...conditions)
}

/** Throws 404 for what is no rule of this organization. */
export async function findRule(ctx: TenantCtx, id: string): Promise<RuleRow> {
  const [row] = await ctx.db
    .select()
    .from(alertRules)
    .where(ownRules(ctx, eq(alertRules.id, id)))
  if (!row) throw noSuchRule()
  return rowOf(row)
}

/** Only what its schema allowed was stored. */
export function rowOf(row: typeof alertRules.$inferSelect): RuleRow {
  return { ...row, definition: row.definition as AlertDefinition }
}

export function noSuchRule() {
  return problem('not_found', 'There is no such alert rule.')
}

/** Names what people said, and not where the rule stands: that changes by itself. */
export function versionOf({ version }: Pick<RuleRow, 'version'>): string {
  return `"${version}"`
}

export function requireVersion(row: RuleRow, isWanted: IsWanted): void {
  if (!isWanted(versionOf(row)))
    throw problem('precondition_failed', 'The rule is not the one that If-Match names. Look at it and try again.')
}

/** The parts that the audit log tells of. */
export function fieldsOf({ name, enabled, definition }: Pick<RuleRow, 'name' | 'enabled' | 'definition'>): Record<string, unknown> {
  return { name, enabled, ...definition }
}
