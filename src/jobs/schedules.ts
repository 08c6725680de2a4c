import { and, asc, inArray, lt, notInArray, sql } from 'drizzle-orm'
import { tasksKeptMs, tasksRemovedMax, taskStuckMs, taskSweepRowsMax } from '../core/limits.ts'
import { runningStates } from '../core/tasks.ts'
import type { BaseCtx } from '../db/context.ts'
import { tasks } from '../db/schema.ts'
import { startRetention } from './retention.ts'

/** What each cron expression of wrangler.toml starts. */
const schedules: Readonly<Record<string, (ctx: BaseCtx) => Promise<void>>> = {
  '*/10 * * * *': sweepTasks,
  '23 */6 * * *': startRetention,
}

export async function runSchedule(ctx: BaseCtx, cron: string): Promise<void> {
  const work = schedules[cron]
  if (work === undefined) throw new Error(`no schedule is ${cron}`)
  await work(ctx)
}

/**
 * Sends tasks on whose message was lost, of all organizations: a crash between recording a task and sending it leaves one
 * behind. Should the message live after all, the second one is a repeat. Also forgets tasks that are over for long.
 */
async function sweepTasks(ctx: BaseCtx): Promise<void> {
  const running = [...runningStates]
  const stuck = await ctx.db
    .select({ organizationId: tasks.organizationId, id: tasks.id, step: tasks.step })
    .from(tasks)
    .where(and(inArray(tasks.status, running), lt(tasks.updatedAt, ctx.now() - taskStuckMs)))
    .orderBy(asc(tasks.updatedAt))
    .limit(taskSweepRowsMax)
  for (const { organizationId, id, step } of stuck)
    await ctx.env.TASK_JOBS.send({ kind: 'task', organization_id: organizationId, task_id: id, step })
  const old = ctx.db
    .select({ rowid: sql`rowid` })
    .from(tasks)
    .where(and(notInArray(tasks.status, running), lt(tasks.updatedAt, ctx.now() - tasksKeptMs)))
    .limit(tasksRemovedMax)
  await ctx.db.delete(tasks).where(sql`rowid in ${old}`)
}
