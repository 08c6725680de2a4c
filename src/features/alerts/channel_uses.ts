import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { alertRuleNamesMax } from '../../core/limits.ts'
import type { TenantCtx } from '../../db/context.ts'
import { alertRules } from '../../db/schema_alerts.ts'
import { ownRules } from './rule.ts'

/** Whether a rule names the channel, as a condition for its deletion. */
export function ruleUsing(ctx: TenantCtx, channelId: string): SQL {
  return sql`exists (select 1 from ${alertRules} where ${ownRules(ctx, names(channelId))})`
}

/** Some of the rules that name the channel. */
export async function rulesUsing(ctx: TenantCtx, channelId: string): Promise<{ id: string; name: string }[]> {
  return ctx.db
    .select({ id: alertRules.id, name: alertRules.name })
    .from(alertRules)
    .where(ownRules(ctx, names(channelId)))
    .orderBy(alertRules.name)
    .limit(alertRuleNamesMax)
}

function names(channelId: string): SQL {
  return sql`exists (select 1 from json_each(${alertRules.definition}, '$.channel_ids') as channel where channel.value = ${channelId})`
}
