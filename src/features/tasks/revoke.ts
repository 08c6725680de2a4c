import { and, eq, inArray, ne, notInArray, or } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { runningStates } from '../../core/tasks.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { archiveKeys, removeObjects } from './archive_files.ts'
import { getTask } from './get.ts'

/** Kinds that cannot be taken back: what an erasure removes is invisible from its first moment. */
const irrevocable = ['erase'] as const

/**
 * Stops a task before its next step. Of an archive the files are removed, also when it is done. Throws `not_found`, or `conflict`
 * when the task is over or cannot be stopped.
 */
export async function revokeTask(ctx: TenantCtx, id: string): Promise<void> {
  const isStoppable = and(inArray(tasks.status, [...runningStates]), notInArray(tasks.kind, [...irrevocable]))
  const isArchive = and(eq(tasks.kind, 'archive'), ne(tasks.status, 'REVOKED'))
  const revocable = inTenant(ctx, tasks, eq(tasks.id, id), or(isStoppable, isArchive))
  const [, revoked] = await ctx.db.batch([
    auditEntry(ctx, { action: 'task.revoke', target: { kind: 'task', id } }, tasks, revocable),
    ctx.db.update(tasks).set({ status: 'REVOKED', updatedAt: ctx.now() }).where(revocable).returning({ id: tasks.id }),
  ])
  const [task] = await ctx.db
    .select()
    .from(tasks)
    .where(inTenant(ctx, tasks, eq(tasks.id, id)))
  // Also of one that was revoked before, should that have failed here.
  if (task !== undefined && task.status === 'REVOKED') await removeObjects(ctx, archiveKeys(task))
  if (revoked.length > 0) return
  const { status, kind } = await getTask(ctx, id)
  const running = runningStates.some((state) => state === status)
  throw problem('conflict', running ? `A task of kind ${kind} cannot be stopped.` : `The task is over: ${status}.`)
}
