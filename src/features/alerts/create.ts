import { eq, sql } from 'drizzle-orm'
import { alertRulesPerOrganizationMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { auditEntry, auditOrigin } from '../../db/audit.ts'
import { shortFields } from '../../db/audit_fields.ts'
import type { TenantCtx } from '../../db/context.ts'
import { alertRules } from '../../db/schema_alerts.ts'
import { liveSilences } from '../silences/active.ts'
import { channelsExist, requireChannels } from './channels_exist.ts'
import { requireLogs } from './require_logs.ts'
import { fieldsOf, ownRules, rowOf } from './rule.ts'
import type { RuleRow } from './rule.ts'
import type { Quiet } from './rule_json.ts'
import type { CreateAlert } from './schema.ts'

/** A new rule. Its channels must be the organization's when it is stored; it is evaluated from the next window on. */
export async function createAlert(ctx: TenantCtx, input: CreateAlert): Promise<{ row: RuleRow; quiet: Quiet }> {
  requireLogs(ctx, 'Making a rule')
  const { name, enabled, definition } = input
  const [id, now] = [ctx.newId(), ctx.now()]
  const { organizationId, actor } = auditOrigin(ctx)
  const entry = { action: 'alert.create', target: { kind: 'alert', id }, details: shortFields(fieldsOf(input)) }
  const [rows, , silences] = await ctx.db.batch([
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(alertRules)
      .select(
        sql`select ${organizationId}, ${id}, ${name}, ${enabled ? 1 : 0}, ${definition.interval_seconds}, ${definition.delay_seconds}, 1,
            ${actor.id ?? actor.kind}, ${now}, ${now}, ${JSON.stringify(definition)},
            'inactive', null, null, null, null, null, 0, null, 0, '[]', null, 0, null
          where (select count(*) from ${alertRules} where ${ownRules(ctx)}) < ${alertRulesPerOrganizationMax}
          and ${channelsExist(ctx, definition.channel_ids)}`,
      )
      .returning(),
    auditEntry(ctx, entry, alertRules, ownRules(ctx, eq(alertRules.id, id))),
    liveSilences(ctx, now),
  ])
  const row = rows[0]
  if (row) return { row: rowOf(row), quiet: { silences, nowMs: now } }
  await requireChannels(ctx, definition.channel_ids)
  throw problem('conflict', `An organization can have at most ${alertRulesPerOrganizationMax} alert rules. Delete some first.`)
}
