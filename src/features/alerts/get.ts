import { eq } from 'drizzle-orm'
import type { TenantCtx } from '../../db/context.ts'
import { alertRules } from '../../db/schema_alerts.ts'
import { liveSilences } from '../silences/active.ts'
import { requireLogs } from './require_logs.ts'
import { noSuchRule, ownRules, rowOf } from './rule.ts'
import type { RuleRow } from './rule.ts'
import type { Quiet } from './rule_json.ts'

/** A rule with what silences it; throws 404 for what is no rule of this organization. */
export async function getAlert(ctx: TenantCtx, id: string): Promise<{ row: RuleRow; quiet: Quiet }> {
  requireLogs(ctx, 'Showing a rule')
  const nowMs = ctx.now()
  const [[row], silences] = await ctx.db.batch([
    ctx.db
      .select()
      .from(alertRules)
      .where(ownRules(ctx, eq(alertRules.id, id))),
    liveSilences(ctx, nowMs),
  ])
  if (!row) throw noSuchRule()
  return { row: rowOf(row), quiet: { silences, nowMs } }
}
