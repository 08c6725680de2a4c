import { eq } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import type { TenantCtx } from '../../db/context.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { taskJson } from './json.ts'
import type { TaskJson } from './schema.ts'

/** One task of the organization; throws `not_found` for any other id. */
export async function getTask(ctx: TenantCtx, id: string): Promise<TaskJson> {
  const [row] = await ctx.db
    .select()
    .from(tasks)
    .where(inTenant(ctx, tasks, eq(tasks.id, id)))
  if (row === undefined) throw problem('not_found', 'No such task.')
  return taskJson(ctx, row)
}
