import { eq, inArray, sql } from 'drizzle-orm'
import { tasksRunningMax } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { runningStates } from '../../core/tasks.ts'
import type { TaskKind } from '../../core/tasks.ts'
import { actorId, auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { taskJson } from './json.ts'
import type { TaskJson } from './schema.ts'

interface NewTask {
  kind: TaskKind
  params: Record<string, unknown>
  /** Of the audit entry, which also has the parameters. */
  action: string
}

/** Records a task with its audit entry; `startTask` then sets it going. Throws `conflict` while too many are at work. */
export async function createTask(ctx: TenantCtx, { kind, params, action }: NewTask): Promise<TaskJson> {
  const id = ctx.newId()
  const now = ctx.now()
  const { organizationId } = ctx.tenant
  const running = inTenant(ctx, tasks, inArray(tasks.status, [...runningStates]))
  const [rows] = await ctx.db.batch([
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(tasks)
      .select(
        sql`select ${organizationId}, ${id}, ${kind}, 'PENDING', ${JSON.stringify(params)}, '{}', 0, null, null, 0, 0,
          ${actorId(ctx.actor) ?? 'system'}, ${now}, ${now}, ${ctx.requestId}
          where (select count(*) from ${tasks} where ${running}) < ${tasksRunningMax}`,
      )
      .returning(),
    auditEntry(ctx, { action, target: { kind: 'task', id }, details: params }, tasks, inTenant(ctx, tasks, eq(tasks.id, id))),
  ])
  const [row] = rows
  if (row === undefined)
    throw problem('conflict', `At most ${tasksRunningMax} tasks of an organization can be at work. Wait for one to end.`)
  return taskJson(row)
}

/** Sends the task's first message. When that fails the schedule finds the task, so the caller need not know. */
export async function startTask(ctx: TenantCtx, { id }: Pick<TaskJson, 'id'>): Promise<void> {
  const { organizationId } = ctx.tenant
  const job = { kind: 'task', organization_id: organizationId, task_id: id, step: 0 } as const
  await sendJobs(ctx, 'task-jobs', [job]).catch((error: unknown) => ctx.log.error('a task waits for the schedule', error, { task_id: id }))
}
