import { and, asc, eq, inArray, isNull, lt, notInArray, sql } from 'drizzle-orm'
import { archiveFilesRemovedMax, tasksKeptMs, tasksRemovedMax, taskStuckMs, taskSweepRowsMax } from '../core/limits.ts'
import { runningStates } from '../core/tasks.ts'
import type { BaseCtx } from '../db/context.ts'
import { accounts, organizations, tasks } from '../db/schema.ts'
import { forgetOldAuditEntries } from '../features/audit/forget_old.ts'
import { archiveKeys, removeObjects } from '../features/tasks/archive_files.ts'
import { forgetEnded } from './forget_ended.ts'
import { forgetOldMails, sweepMails } from './mail_sweep.ts'
import { startPurge } from './purge.ts'
import { startRetention } from './retention.ts'

/** What each cron expression of wrangler.toml starts, one after the other. */
const schedules: Readonly<Record<string, readonly ((ctx: BaseCtx) => Promise<void>)[]>> = {
  '*/10 * * * *': [sweepTasks, sweepMails],
  '23 */6 * * *': [startRetention, forgetOldAuditEntries, forgetOldMails, forgetEnded],
  '53 */6 * * *': [startPurge],
}

export async function runSchedule(ctx: BaseCtx, cron: string): Promise<void> {
  const work = schedules[cron]
  if (work === undefined) throw new Error(`no schedule is ${cron}`)
  const failures: unknown[] = []
  // One that fails must not keep the others from their turn.
  for (const one of work) await one(ctx).catch((error: unknown) => failures.push(error))
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, `several parts of the schedule ${cron} failed`)
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
    // Those of deleted organizations wait for their restore or the purge, and must not fill every sweep.
    .innerJoin(organizations, and(eq(organizations.id, tasks.organizationId), isNull(organizations.deletedAt)))
    .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .where(and(inArray(tasks.status, running), lt(tasks.updatedAt, ctx.now() - taskStuckMs)))
    .orderBy(asc(tasks.updatedAt))
    .limit(taskSweepRowsMax)
  for (const { organizationId, id, step } of stuck)
    await ctx.env.TASK_JOBS.send({ kind: 'task', organization_id: organizationId, task_id: id, step })
  await forgetOld(ctx)
}

/** Tasks that are over for long, with the files of their archives: those first, so that none stays behind. */
async function forgetOld(ctx: BaseCtx): Promise<void> {
  const old = await ctx.db
    .select()
    .from(tasks)
    .where(and(notInArray(tasks.status, [...runningStates]), lt(tasks.updatedAt, ctx.now() - tasksKeptMs)))
    .orderBy(asc(tasks.updatedAt))
    .limit(tasksRemovedMax)
  const keys: string[] = []
  const gone: [string, string][] = []
  for (const task of old) {
    if (keys.length >= archiveFilesRemovedMax) break
    keys.push(...archiveKeys(task))
    gone.push([task.organizationId, task.id])
  }
  await removeObjects(ctx, keys)
  const listed = sql`select value ->> 0, value ->> 1 from json_each(${JSON.stringify(gone)})`
  await ctx.db.delete(tasks).where(sql`(${tasks.organizationId}, ${tasks.id}) in (${listed})`)
}
