import { count, eq, ne } from 'drizzle-orm'
import type * as z from 'zod'
import { actorId } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { listPage, offsetOf, orderOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { taskJson } from './json.ts'
import type { listTasksQuery, TaskJson } from './schema.ts'

/** Ids are in the order of time, and the table is kept in theirs. */
const columns = { created_at: tasks.id }

/** One page of the organization's tasks, and how many there are in all. */
export async function listTasks(ctx: TenantCtx, query: z.output<typeof listTasksQuery>): Promise<ListPage<TaskJson>> {
  const { status, kind, mine } = query
  const own = mine && (mine === 'true' ? eq : ne)(tasks.createdBy, actorId(ctx.actor) ?? '')
  const where = inTenant(ctx, tasks, status && eq(tasks.status, status), kind && eq(tasks.kind, kind), own)
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(tasks).where(where),
    ctx.db
      .select()
      .from(tasks)
      .where(where)
      .orderBy(...orderOf(columns, query.ordering, tasks.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  return listPage(
    totals,
    rows.map((row) => taskJson(ctx, row)),
  )
}
