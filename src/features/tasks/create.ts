import { and, eq, gte, inArray, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { uuidv7Bound } from '../../core/ids.ts'
import { retryAfterSeconds, tasksPerActorMax, tasksRunningMax, tasksRunningPerActorMax, tasksWindowMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { runningStates } from '../../core/tasks.ts'
import type { TaskKind } from '../../core/tasks.ts'
import { actorId, auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { sendJobs } from '../../db/jobs.ts'
import { tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { taskJson } from './json.ts'
import { ofKey, sameRequest } from './repeat.ts'
import type { Once } from './repeat.ts'
import type { TaskJson } from './schema.ts'

interface NewTask {
  kind: TaskKind
  params: Record<string, unknown>
  /** Of the audit entry, which also has the parameters. */
  action: string
  /** Of a request that may come twice. */
  once?: Once | undefined
}

/**
 * Records a task with its audit entry; `startTask` then sets it going. Throws `conflict` while too many are at work and
 * `rate_limited` after too many in the hour. The limits are conditions of the one statement that writes the row, so that requests
 * at the same time cannot pass together.
 */
export async function createTask(ctx: TenantCtx, { kind, params, action, once }: NewTask): Promise<TaskJson> {
  const id = ctx.newId()
  const now = ctx.now()
  const { organizationId } = ctx.tenant
  const caller = callerOf(ctx)
  const count = (where: SQL | undefined) => sql<number>`(select count(*) from ${tasks} where ${where})`
  const used = usedOf(ctx, now)
  const [rows, , [usage], [before]] = await ctx.db.batch([
    // In the order of the table's columns, as drizzle wants it.
    ctx.db
      .insert(tasks)
      .select(
        sql`select ${organizationId}, ${id}, ${kind}, 'PENDING', ${JSON.stringify(params)}, '{}', 0, null, null, 0, 0,
          ${caller}, ${now}, ${now}, ${ctx.requestId}, ${once?.key ?? null}, ${once?.hash ?? null}, null, null
          where ${count(used.running)} < ${tasksRunningMax} and ${count(used.ownRunning)} < ${tasksRunningPerActorMax}
            and ${count(used.ownLately)} < ${tasksPerActorMax}`,
      )
      .onConflictDoNothing()
      .returning(),
    auditEntry(ctx, { action, target: { kind: 'task', id }, details: params }, tasks, inTenant(ctx, tasks, eq(tasks.id, id))),
    ctx.db
      .select({
        running: count(used.running),
        ownRunning: count(used.ownRunning),
        oldestLately: sql<number | null>`min(${tasks.createdAt})`,
      })
      .from(tasks)
      .where(used.ownLately),
    ctx.db
      .select()
      .from(tasks)
      .where(once === undefined ? sql`false` : ofKey(ctx, once)),
  ])
  const [row] = rows
  if (row !== undefined) return taskJson(ctx, row)
  if (once !== undefined && before !== undefined) return sameRequest(ctx, before, once)
  throw tooMany(usage, now)
}

/** Sends the task's first message. When that fails the schedule finds the task, so the caller need not know. */
export async function startTask(ctx: TenantCtx, { id }: Pick<TaskJson, 'id'>): Promise<void> {
  const { organizationId } = ctx.tenant
  const job = { kind: 'task', organization_id: organizationId, task_id: id, step: 0 } as const
  await sendJobs(ctx, 'task-jobs', [job]).catch((error: unknown) => ctx.log.error('a task waits for the schedule', error, { task_id: id }))
}

/** A key counts like a person. */
function callerOf({ actor }: TenantCtx): string {
  return actorId(actor) ?? 'system'
}

/** What the limits count: tasks of the organization at work, those of the caller, and what the caller began lately. */
function usedOf(ctx: TenantCtx, now: number) {
  const atWork = inArray(tasks.status, [...runningStates])
  const own = eq(tasks.createdBy, callerOf(ctx))
  return {
    running: inTenant(ctx, tasks, atWork),
    ownRunning: inTenant(ctx, tasks, atWork, own),
    // Ids begin with their time, and the table is kept in their order.
    ownLately: inTenant(ctx, tasks, and(gte(tasks.id, uuidv7Bound(now - tasksWindowMs)), own)),
  }
}

function tooMany(usage: { running: number; ownRunning: number; oldestLately: number | null } | undefined, now: number) {
  const wait = 'Wait for one to end.'
  if ((usage?.running ?? 0) >= tasksRunningMax)
    return problem('conflict', `The limit tasks_running is ${tasksRunningMax}: so many tasks of the organization are at work. ${wait}`)
  if ((usage?.ownRunning ?? 0) >= tasksRunningPerActorMax)
    return problem('conflict', `The limit tasks_running_own is ${tasksRunningPerActorMax}: so many tasks of yours are at work. ${wait}`)
  const freeMs = (usage?.oldestLately ?? now) + tasksWindowMs - now
  const seconds = Math.max(retryAfterSeconds, Math.ceil(freeMs / 1000))
  return problem('rate_limited', `The limit tasks_per_hour is ${tasksPerActorMax} and used up. Try again in ${seconds} s.`, {
    details: { tasks_per_hour: [`at most ${tasksPerActorMax} in ${tasksWindowMs / 60_000} minutes`] },
    headers: { 'Retry-After': String(seconds) },
  })
}
