import { and, asc, eq, inArray, isNull, lt, notInArray, sql } from 'drizzle-orm'
import { archiveFilesRemovedMax, tasksKeptMs, tasksRemovedMax, taskStuckMs, taskSweepRowsMax } from '../core/limits.ts'
import { runningStates } from '../core/tasks.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { accounts, organizations, tasks } from '../db/schema.ts'
import { forgetOldAuditEntries } from '../features/audit/forget_old.ts'
import { fileKeys, removeObjects } from '../features/tasks/files.ts'
import { forgetEnded } from './forget_ended.ts'
import { forgetOldMails, sweepMails } from './mail_sweep.ts'
import { startPurge } from './purge.ts'
import { startRetention } from './retention.ts'
import { startUsageRollup } from './usage_rollup.ts'

/** Work that begins by itself at the times of a cron expression of wrangler.toml. Doing it twice leaves what once leaves. */
export interface Schedule {
  /** Its name in D1, /health/detailed and /metrics. */
  readonly name: string
  readonly cron: string
  run(ctx: BaseCtx): Promise<void>
}

export const schedules: readonly Schedule[] = [
  { name: 'task-sweep', cron: '*/10 * * * *', run: sweepTasks },
  { name: 'mail-sweep', cron: '*/10 * * * *', run: sweepMails },
  { name: 'retention', cron: '23 */6 * * *', run: startRetention },
  { name: 'audit-retention', cron: '23 */6 * * *', run: forgetOldAuditEntries },
  { name: 'mail-retention', cron: '23 */6 * * *', run: forgetOldMails },
  { name: 'token-cleanup', cron: '23 */6 * * *', run: forgetEnded },
  { name: 'usage-rollup', cron: '7 * * * *', run: startUsageRollup },
  { name: 'purge', cron: '53 */6 * * *', run: startPurge },
]

/** Runs the schedules of a cron expression, one after the other. */
export async function runSchedule(ctx: BaseCtx, cron: string): Promise<void> {
  const failures: unknown[] = []
  // One that fails must not keep the others from their turn.
  for (const { run } of schedules.filter((one) => one.cron === cron)) await run(ctx).catch((error: unknown) => failures.push(error))
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, `several schedules of ${cron} failed`)
}

/**
 * Sends tasks on whose message was lost, of all organizations: a crash between recording a task and sending it leaves one
 * behind. Should the message live after all, the second one is a repeat. Also forgets tasks that are over for long.
 */
async function sweepTasks(ctx: BaseCtx): Promise<void> {
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
    keys.push(...fileKeys(task))
    gone.push([task.organizationId, task.id])
  }
  await removeObjects(ctx, keys)
  const listed = sql`select value ->> 0, value ->> 1 from json_each(${JSON.stringify(gone)})`
  await ctx.db.delete(tasks).where(sql`(${tasks.organizationId}, ${tasks.id}) in (${listed})`)
}
