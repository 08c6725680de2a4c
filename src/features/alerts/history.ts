import { and, desc, eq, gte, lt, sql } from 'drizzle-orm'
import type * as z from 'zod'
import { uuidv7Bound } from '../../core/ids.ts'
import { alertHistoryWindowRowsMax } from '../../core/limits.ts'
import type { TenantCtx } from '../../db/context.ts'
import { offsetOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { alertHistory, alertRules } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import { requireLogs } from './require_logs.ts'
import { noSuchRule, ownRules } from './rule.ts'
import type { alertHistoryQuery, HistoryEntryJson } from './schema.ts'

type HistoryPage = ListPage<HistoryEntryJson> & { countIsLowerBound: boolean }

/** One page of what happened to a rule and its groups, newest first; throws 404 for what is no rule of this organization. */
export async function listAlertHistory(ctx: TenantCtx, ruleId: string, query: z.output<typeof alertHistoryQuery>): Promise<HistoryPage> {
  requireLogs(ctx, 'Showing the history of a rule')
  const entries = windowOf(ctx, ruleId, query)
  const matches = query.state === undefined ? sql`true` : eq(entries.toState, query.state)
  const [rules, [counted], rows] = await ctx.db.batch([
    ctx.db
      .select({ id: alertRules.id })
      .from(alertRules)
      .where(ownRules(ctx, eq(alertRules.id, ruleId))),
    ctx.db.select({ matched: sql<number>`count(*) filter (where ${matches})`, examined: sql<number>`count(*)` }).from(entries),
    ctx.db.select().from(entries).where(matches).orderBy(desc(entries.id)).limit(query.page_size).offset(offsetOf(query)),
  ])
  if (rules.length === 0) throw noSuchRule()
  const { matched, examined } = counted ?? { matched: 0, examined: 0 }
  return { count: matched, countIsLowerBound: examined === alertHistoryWindowRowsMax, results: rows.map(entryJson) }
}

/**
 * Found by the primary key alone, newest first: ids are UUIDv7, so times are bounds of ids. The state is looked for in the rows of
 * the window, which bounds what a search for something rare reads.
 */
function windowOf(ctx: TenantCtx, ruleId: string, { from, to }: z.output<typeof alertHistoryQuery>) {
  return ctx.db
    .select()
    .from(alertHistory)
    .where(
      inTenant(
        ctx,
        alertHistory,
        and(
          eq(alertHistory.ruleId, ruleId),
          from === undefined ? undefined : gte(alertHistory.id, uuidv7Bound(Date.parse(from))),
          to === undefined ? undefined : lt(alertHistory.id, uuidv7Bound(Date.parse(to))),
        ),
      ),
    )
    .orderBy(desc(alertHistory.id))
    .limit(alertHistoryWindowRowsMax)
    .as('entries')
}

function entryJson({ id, at, createdAt, group, fromState, toState, value, detail, silenced }: typeof alertHistory.$inferSelect) {
  return {
    id,
    at: new Date(at).toISOString(),
    created_at: new Date(createdAt).toISOString(),
    group,
    from: fromState,
    to: toState,
    value,
    detail,
    silenced,
  }
}
