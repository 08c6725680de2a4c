import { count } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { holds, listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { reports } from '../../db/schema_jobs.ts'
import { ownReports, reportJson, rowOf } from './report.ts'
import type { listReportsQuery, ReportJson } from './schema.ts'

const orderColumns = { name: reports.name, created_at: reports.createdAt, next_at: reports.nextAt }

/** One page of the organization's reports, and how many there are in all. */
export async function listReports(ctx: TenantCtx, query: z.output<typeof listReportsQuery>): Promise<ListPage<ReportJson>> {
  const where = ownReports(ctx, holds(reports.name, query.search))
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(reports).where(where),
    ctx.db
      .select()
      .from(reports)
      .where(where)
      .orderBy(...orderOf(orderColumns, query.ordering, reports.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(
    totals,
    rows.map((row) => reportJson(rowOf(row))),
  )
}
