import { and, eq, inArray, ne, or } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { isRunning, runningStates, taskKinds, taskRules } from '../../core/tasks.ts'
import { requirePermission } from '../../db/actor_may.ts'
import { actorId, auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { fileKeys, filesUntilOf, removeObjects } from './files.ts'

const stoppable = taskKinds.filter((kind) => taskRules[kind].revocable)
const withFiles = taskKinds.filter((kind) => taskRules[kind].files !== null)

/**
 * Stops a task before its next step, and removes its files, also when it is done. Whoever may start tasks stops the own ones; those
 * of others need `tasks:write`. Throws `not_found`, or `conflict` when the task is over or cannot be stopped.
 */
export async function revokeTask(ctx: TenantCtx, id: string): Promise<void> {
  const ofId = inTenant(ctx, tasks, eq(tasks.id, id))
  const [task] = await ctx.db.select().from(tasks).where(ofId)
  if (task === undefined) throw problem('not_found', 'No such task.')
  if (task.createdBy !== actorId(ctx.actor)) requirePermission(ctx, 'tasks:write', 'Stopping a task of somebody else')
  const isStoppable = and(inArray(tasks.status, [...runningStates]), inArray(tasks.kind, stoppable))
  const hasFiles = and(inArray(tasks.kind, withFiles), ne(tasks.status, 'REVOKED'))
  const revocable = inTenant(ctx, tasks, eq(tasks.id, id), or(isStoppable, hasFiles))
  const filesUntil = filesUntilOf(task.kind, 'REVOKED', ctx.now())
  const [, revoked] = await ctx.db.batch([
    auditEntry(ctx, { action: 'task.revoke', target: { kind: 'task', id } }, tasks, revocable),
    ctx.db.update(tasks).set({ status: 'REVOKED', filesUntil, updatedAt: ctx.now() }).where(revocable).returning(),
  ])
  const [now] = revoked.length > 0 ? revoked : await ctx.db.select().from(tasks).where(ofId)
  if (now === undefined) throw problem('not_found', 'No such task.')
  // Also of one that was revoked before, should that have failed here.
  if (now.status === 'REVOKED') await removeObjects(ctx, fileKeys(now))
  if (revoked.length > 0) return
  throw problem('conflict', isRunning(now.status) ? `A task of kind ${now.kind} cannot be stopped.` : `The task is over: ${now.status}.`)
}
