import { count, gt, isNull, lte, or } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { silences } from '../../db/schema_alerts.ts'
import { forRule } from './active.ts'
import type { listSilencesQuery, SilenceJson } from './schema.ts'
import { ownSilences, silenceJson } from './silence.ts'

const orderColumns = { starts_at: silences.startsAt, ends_at: silences.endsAt, created_at: silences.createdAt }

/** One page of the organization's silences, each with whether it holds now and until when. */
export async function listSilences(ctx: TenantCtx, query: z.output<typeof listSilencesQuery>): Promise<ListPage<SilenceJson>> {
  const now = ctx.now()
  const where = ownSilences(
    ctx,
    holds(silences.comment, query.search),
    query.rule_id === undefined ? undefined : forRule(query.rule_id),
    query.ended === undefined ? undefined : query.ended ? lte(silences.endsAt, now) : or(isNull(silences.endsAt), gt(silences.endsAt, now)),
  )
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(silences).where(where),
    ctx.db
      .select()
      .from(silences)
      .where(where)
      .orderBy(...orderOf(orderColumns, query.ordering, silences.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  const results = rows.map((row) => silenceJson(row, now))
  return listPage(totals, results)
}
