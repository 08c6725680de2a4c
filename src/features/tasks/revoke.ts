import { eq, inArray, notInArray } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { runningStates } from '../../core/tasks.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { getTask } from './get.ts'

/** Kinds that cannot be taken back: what an erasure removes is invisible from its first moment. */
const irrevocable = ['erase'] as const

/** Stops a task before its next step. Throws `not_found`, or `conflict` when it is over or cannot be stopped. */
export async function revokeTask(ctx: TenantCtx, id: string): Promise<void> {
  const stoppable = inTenant(
    ctx,
    tasks,
    eq(tasks.id, id),
    inArray(tasks.status, [...runningStates]),
    notInArray(tasks.kind, [...irrevocable]),
  )
  const [, revoked] = await ctx.db.batch([
    auditEntry(ctx, { action: 'task.revoke', target: { kind: 'task', id } }, tasks, stoppable),
    ctx.db.update(tasks).set({ status: 'REVOKED', updatedAt: ctx.now() }).where(stoppable).returning({ id: tasks.id }),
  ])
  if (revoked.length > 0) return
  const { status, kind } = await getTask(ctx, id)
  const running = runningStates.some((state) => state === status)
  throw problem('conflict', running ? `A task of kind ${kind} cannot be stopped.` : `The task is over: ${status}.`)
}
