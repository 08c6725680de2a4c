import { eq, inArray, sql } from 'drizzle-orm'
import type { TaskJob } from '../core/jobs.ts'
import { runningStates } from '../core/tasks.ts'
import { auditStatement } from '../db/audit.ts'
import type { BaseCtx } from '../db/context.ts'
import { tasks } from '../db/schema.ts'
import { inTenant } from '../db/tenant.ts'
import { filesUntilOf } from '../features/tasks/files.ts'

/**
 * Ends a task whose message was given up, with its audit entry: only at the step that the message names, since a task that is
 * elsewhere has another message.
 */
export async function giveUpTask(base: BaseCtx, job: Extract<TaskJob, { kind: 'task' }>, reason: string): Promise<void> {
  const { organization_id: organizationId, task_id: id, step } = job
  const where = inTenant(
    { tenant: { organizationId } },
    tasks,
    eq(tasks.id, id),
    eq(tasks.step, step),
    inArray(tasks.status, [...runningStates]),
  )
  const [task] = await base.db.select({ kind: tasks.kind, createdBy: tasks.createdBy, error: tasks.error }).from(tasks).where(where)
  if (task === undefined) return
  const error = task.error ?? reason
  const entry = {
    action: 'task.fail',
    target: { kind: 'task', id },
    details: { kind: task.kind, created_by: task.createdBy, error },
  }
  await base.db.batch([
    auditStatement(base, { organizationId, actor: { kind: 'system', id: null } }, entry, sql`from ${tasks} where ${where}`),
    base.db
      .update(tasks)
      .set({ status: 'FAILURE', error, filesUntil: filesUntilOf(task.kind, 'FAILURE', base.now()), updatedAt: base.now() })
      .where(where),
  ])
}
