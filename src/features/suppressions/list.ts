import { and, asc, count, desc, eq } from 'drizzle-orm'
import type * as z from 'zod'
import type { UserCtx } from '../../db/context.ts'
import { listPage, offsetOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { mailSuppressions } from '../../db/schema_jobs.ts'
import { suppressionJson } from './json.ts'
import type { listSuppressionsQuery, SuppressionJson } from './schema.ts'

/** Addresses that are not written to, the newest first. */
export async function listSuppressions(ctx: UserCtx, query: z.output<typeof listSuppressionsQuery>): Promise<ListPage<SuppressionJson>> {
  const { email, scope, reason } = query
  const where = and(
    email === undefined ? undefined : eq(mailSuppressions.email, email),
    scope === undefined ? undefined : eq(mailSuppressions.scope, scope),
    reason === undefined ? undefined : eq(mailSuppressions.reason, reason),
  )
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(mailSuppressions).where(where),
    ctx.db
      .select()
      .from(mailSuppressions)
      .where(where)
      .orderBy(desc(mailSuppressions.createdAt), asc(mailSuppressions.email), asc(mailSuppressions.scope))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(totals, rows.map(suppressionJson))
}
