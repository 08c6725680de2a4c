import { and, count, eq, isNotNull, isNull } from 'drizzle-orm'
import type * as z from 'zod'
import type { UserCtx } from '../../db/context.ts'
import { listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { deadJobs } from '../../db/schema_jobs.ts'
import { deadJobJson } from './json.ts'
import type { DeadJobJson, listDeadJobsQuery } from './schema.ts'

const columns = { created_at: deadJobs.createdAt }

/** One page of the messages that were given up, of all organizations. */
export async function listDeadJobs(ctx: UserCtx, query: z.output<typeof listDeadJobsQuery>): Promise<ListPage<DeadJobJson>> {
  const { queue, kind, organization_id: organizationId, replayed } = query
  const where = and(
    queue === undefined ? undefined : eq(deadJobs.queue, queue),
    kind === undefined ? undefined : eq(deadJobs.kind, kind),
    organizationId === undefined ? undefined : eq(deadJobs.organizationId, organizationId),
    replayed === undefined ? undefined : replayed === 'true' ? isNotNull(deadJobs.replayedAt) : isNull(deadJobs.replayedAt),
  )
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(deadJobs).where(where),
    ctx.db
      .select()
      .from(deadJobs)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, deadJobs.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(totals, rows.map(deadJobJson))
}
