import { count, eq, getTableColumns, or, sql } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { alertRules } from '../../db/schema_alerts.ts'
import { liveSilences } from '../silences/active.ts'
import { ownRules } from './rule.ts'
import { listedAlert } from './rule_json.ts'
import type { ListedRow } from './rule_json.ts'
import type { listAlertsQuery, ListedAlert } from './schema.ts'

const orderColumns = {
  name: alertRules.name,
  created_at: alertRules.createdAt,
  updated_at: alertRules.updatedAt,
  state_since: alertRules.stateSince,
}

const shown = ['severity', 'stats', 'operator', 'threshold', 'by', 'window_seconds'] as const
/** What `->` answers is JSON, so that no digit of a number is lost. */
const shownParts = sql.join(
  shown.map((name) => sql`${name}, ${alertRules.definition} -> ${`$.${name}`}`),
  sql`, `,
)

/** Of a rule and its definition what a line shows: its groups and its texts are long, and a page has hundreds of rules. */
const { definition: _, groups, ...ownColumns } = getTableColumns(alertRules)
const listedColumns = {
  ...ownColumns,
  shown: sql<ListedRow['shown']>`json_object(${shownParts})`.mapWith((text: string) => JSON.parse(text) as ListedRow['shown']).as('shown'),
  firingGroups:
    sql<number>`(select count(*) from json_each(${groups}) as each where each.value ->> '$.state' in ('firing', 'recovering'))`.as(
      'firing_groups',
    ),
}

/** One page of the organization's rules, and how many there are in all. Ties are broken by id, so pages do not overlap. */
export async function listAlerts(ctx: TenantCtx, query: z.output<typeof listAlertsQuery>): Promise<ListPage<ListedAlert>> {
  const nowMs = ctx.now()
  const { state, severity, enabled, search } = query
  const part = (name: string) => sql`json_extract(${alertRules.definition}, ${`$.${name}`})`
  const where = ownRules(
    ctx,
    search === undefined ? undefined : or(holds(alertRules.name, search), holds(part('description'), search)),
    state === undefined ? undefined : eq(alertRules.state, state),
    severity === undefined ? undefined : sql`${part('severity')} = ${severity}`,
    enabled === undefined ? undefined : eq(alertRules.enabled, enabled),
  )
  const [totals, rows, silences] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(alertRules).where(where),
    ctx.db
      .select(listedColumns)
      .from(alertRules)
      .where(where)
      .orderBy(...orderOf(orderColumns, query.ordering, alertRules.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
    liveSilences(ctx, nowMs),
  ])
  const results = rows.map((row) => listedAlert(row, { silences, nowMs }))
  return listPage(totals, results)
}
