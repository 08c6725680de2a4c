import { and, eq, sql } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import { shortChangesOf } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { alertRules } from '../../db/schema_alerts.ts'
import { liveSilences } from '../silences/active.ts'
import type { SilenceRow } from '../silences/active.ts'
import { channelsExist, requireChannels } from './channels_exist.ts'
import { farewell, sendFarewell } from './farewell.ts'
import { requireLogs } from './require_logs.ts'
import { atRest, historyOfRest } from './rest.ts'
import { fieldsOf, findRule, ownRules, requireVersion, rowOf } from './rule.ts'
import type { IsWanted, RuleRow } from './rule.ts'
import type { Quiet } from './rule_json.ts'
import type { UpdateAlert } from './schema.ts'

/**
 * Changes name, definition, or whether the rule is evaluated; throws `precondition_failed` when the present version is not wanted.
 * One that is turned off forgets where it stood, tells that it is over, and begins anew when it is turned on again.
 */
export async function updateAlert(
  ctx: TenantCtx,
  id: string,
  change: UpdateAlert,
  isWanted: IsWanted,
): Promise<{ row: RuleRow; quiet: Quiet }> {
  requireLogs(ctx, 'Changing a rule')
  const before = await findRule(ctx, id)
  requireVersion(before, isWanted)
  const { name = before.name, enabled = before.enabled, definition = before.definition } = change
  const after = { name, enabled, definition }
  const changes = shortChangesOf(fieldsOf(before), fieldsOf(after))
  const nowMs = ctx.now()
  if (Object.keys(changes).length === 0) return { row: before, quiet: { silences: await liveSilences(ctx, nowMs), nowMs } }
  const { interval_seconds: intervalSeconds, delay_seconds: delaySeconds, channel_ids: channelIds } = definition
  // What was read is what the audit entry calls the state before. Channels that were there before are looked for again as well.
  const where = ownRules(ctx, eq(alertRules.id, id), eq(alertRules.version, before.version), channelsExist(ctx, channelIds))
  const stops = before.enabled && !enabled
  const over = stops ? await farewell(ctx, before, where) : undefined
  const results: readonly unknown[] = await ctx.db.batch([
    auditEntry(ctx, { action: 'alert.update', target: { kind: 'alert', id }, changes }, alertRules, where),
    historyOfRest(ctx, and(where, stops ? undefined : sql`false`) ?? where, nowMs),
    ...(over?.statements ?? []),
    ctx.db
      .update(alertRules)
      .set({
        ...after,
        intervalSeconds,
        delaySeconds,
        version: before.version + 1,
        updatedAt: Math.max(nowMs, before.updatedAt + 1),
        ...(stops && atRest(nowMs)),
      })
      .where(where)
      .returning(),
    liveSilences(ctx, nowMs),
  ])
  const [[row], silences] = results.slice(-2) as [(typeof alertRules.$inferSelect)[], SilenceRow[]]
  if (row) {
    if (over) await sendFarewell(ctx, over)
    return { row: rowOf(row), quiet: { silences, nowMs } }
  }
  requireVersion(await findRule(ctx, id), isWanted)
  await requireChannels(ctx, channelIds)
  throw problem('conflict', 'The rule was changed by somebody else meanwhile. Look at it and try again.')
}
