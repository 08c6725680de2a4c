import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { TenantCtx } from '../../db/context.ts'
import { alertHistory, alertRules } from '../../db/schema_alerts.ts'

/** What the evaluation knows of a rule that is not evaluated: nothing. Whoever evaluates it now loses the right to. */
export function atRest(nowMs: number): Partial<typeof alertRules.$inferInsert> {
  return {
    state: 'inactive',
    stateSince: nowMs,
    evaluatedTo: null,
    evaluatedAt: null,
    evaluationMs: null,
    error: null,
    failures: 0,
    leaseId: null,
    leaseUntil: 0,
    groups: [],
    groupsTruncated: false,
    errorToldAt: null,
  }
}

/** An entry of history for each group that is not inactive, of the rules that the condition finds; before they are put to rest. */
export function historyOfRest(ctx: TenantCtx, where: SQL, nowMs: number) {
  const prefix = ctx.newId().slice(0, -5)
  const of = (name: string) => sql.raw(`json_extract(each.value, '$.${name}')`)
  // In the order of the table's columns, as drizzle wants it. Ids that follow each other: there are fewer groups than 16^5.
  return ctx.db.insert(alertHistory).select(
    sql`select ${alertRules.organizationId}, ${alertRules.id}, ${prefix} || format('%05x', each.key), ${nowMs}, ${of('key')}, ${of('state')},
        'inactive', ${of('value')}, 'the rule was turned off', 0, ${nowMs}
      from ${alertRules} cross join json_each(${alertRules.groups}) as each
      where ${where} and ${of('state')} <> 'inactive'`,
  )
}
