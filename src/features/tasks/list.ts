import { asc, count, desc, eq } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { taskJson } from './json.ts'
import type { listTasksQuery, TaskJson } from './schema.ts'

/** One page of the organization's tasks, and how many there are in all. Ids are in the order of time. */
export async function listTasks(
  ctx: TenantCtx,
  { page, page_size, ordering, status, kind }: z.output<typeof listTasksQuery>,
): Promise<{ count: number; results: TaskJson[] }> {
  const where = inTenant(ctx, tasks, status && eq(tasks.status, status), kind && eq(tasks.kind, kind))
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(tasks).where(where),
    ctx.db
      .select()
      .from(tasks)
      .where(where)
      .orderBy((ordering === 'created_at' ? asc : desc)(tasks.id))
      .limit(page_size)
      .offset((page - 1) * page_size),
  ])
  return { count: total?.count ?? 0, results: rows.map(taskJson) }
}
