import { eq } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { actorId } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { taskJson } from './json.ts'
import type { TaskJson } from './schema.ts'

/** What tells that a request came before: its Idempotency-Key, and the SHA-256 of what it asks for. */
export interface Once {
  key: string
  hash: string
}

/** The task that a request with this key made earlier, as long as it is kept; throws 422 when that one asked for something else. */
export async function findRepeated(ctx: TenantCtx, once: Once): Promise<TaskJson | undefined> {
  const [row] = await ctx.db.select().from(tasks).where(ofKey(ctx, once))
  return row && sameRequest(ctx, row, once)
}

/** Keys are each caller's own: nobody learns of another's task by guessing one. */
export function ofKey(ctx: TenantCtx, { key }: Once): SQL {
  return inTenant(ctx, tasks, eq(tasks.createdBy, actorId(ctx.actor) ?? 'system'), eq(tasks.idempotencyKey, key))
}

export function sameRequest(ctx: Pick<TenantCtx, 'actor'>, row: typeof tasks.$inferSelect, { hash }: Once): TaskJson {
  if (row.requestHash === hash) return taskJson(ctx, row)
  throw problem('idempotency_key_reused', `This Idempotency-Key made task ${row.id}, which is another one.`)
}
