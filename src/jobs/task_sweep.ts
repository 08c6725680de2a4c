import { and, asc, eq, inArray, isNull, lt, lte, notInArray, sql } from 'drizzle-orm'
import { archiveFilesRemovedMax, taskFilesSweptMax, tasksKeptMs, tasksRemovedMax, taskStuckMs, taskSweepRowsMax } from '../core/limits.ts'
import { runningStates, taskKinds, taskRules } from '../core/tasks.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { accounts, organizations, tasks } from '../db/schema.ts'
import { fileKeys, removeObjects } from '../features/tasks/files.ts'

type TaskRow = typeof tasks.$inferSelect

/**
 * Sends tasks on whose message was lost, of all organizations: a crash between recording a task and sending it leaves one
 * behind. Should the message live after all, the second one is a repeat.
 */
export async function sweepTasks(ctx: BaseCtx): Promise<void> {
  const running = [...runningStates]
  const stuck = await ctx.db
    .select({ organizationId: tasks.organizationId, id: tasks.id, step: tasks.step, requestId: tasks.requestId })
    .from(tasks)
    // Those of deleted organizations wait for their restore or the purge, and must not fill every sweep.
    .innerJoin(organizations, and(eq(organizations.id, tasks.organizationId), isNull(organizations.deletedAt)))
    .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .where(and(inArray(tasks.status, running), lt(tasks.updatedAt, ctx.now() - taskStuckMs)))
    .orderBy(asc(tasks.updatedAt))
    .limit(taskSweepRowsMax)
  const jobs = stuck.map(({ organizationId, id, step, requestId }) => {
    return { kind: 'task', organization_id: organizationId, task_id: id, step, request_id: requestId ?? ctx.requestId } as const
  })
  await sendJobs(ctx, 'task-jobs', jobs)
}

/** Removes files whose time is over, and tasks that ended long ago. */
export async function forgetOldTasks(ctx: BaseCtx): Promise<void> {
  await removeFiles(ctx)
  await forgetOld(ctx)
}

/** One that staff sent on again needs its files. */
const isOver = notInArray(tasks.status, [...runningStates])
const withOwnResult = taskKinds.filter((kind) => taskRules[kind].ownResult)

/** Files whose time is over, and what the results say of them. They go before the row says so: what fails in between is done again. */
async function removeFiles(ctx: BaseCtx): Promise<void> {
  const over = await ctx.db
    .select()
    .from(tasks)
    .where(and(lte(tasks.filesUntil, ctx.now()), isOver))
    .orderBy(asc(tasks.filesUntil))
    .limit(taskFilesSweptMax)
  const gone = await removeFilesOf(ctx, over)
  await ctx.db
    .update(tasks)
    .set({ filesUntil: null, result: sql`case when ${inArray(tasks.kind, withOwnResult)} then null else ${tasks.result} end` })
    .where(and(amongst(gone), lte(tasks.filesUntil, ctx.now()), isOver))
}

/** Tasks that are over for long, with what files they still have: those first, so that none stays behind. */
async function forgetOld(ctx: BaseCtx): Promise<void> {
  const old = await ctx.db
    .select()
    .from(tasks)
    .where(and(isOver, lt(tasks.updatedAt, ctx.now() - tasksKeptMs)))
    .orderBy(asc(tasks.updatedAt))
    .limit(tasksRemovedMax)
  await ctx.db.delete(tasks).where(amongst(await removeFilesOf(ctx, old)))
}

/** Removes the files of tasks, up to a number of files in one run; answers the tasks whose files are gone. */
async function removeFilesOf(ctx: BaseCtx, rows: readonly TaskRow[]): Promise<TaskRow[]> {
  const keys: string[] = []
  const gone: TaskRow[] = []
  for (const task of rows) {
    if (keys.length >= archiveFilesRemovedMax) break
    keys.push(...fileKeys(task))
    gone.push(task)
  }
  await removeObjects(ctx, keys)
  return gone
}

function amongst(rows: readonly TaskRow[]) {
  const ids = rows.map(({ organizationId, id }) => [organizationId, id])
  return sql`(${tasks.organizationId}, ${tasks.id}) in (select value ->> 0, value ->> 1 from json_each(${JSON.stringify(ids)}))`
}
