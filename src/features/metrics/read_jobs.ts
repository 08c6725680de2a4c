import { count, isNull } from 'drizzle-orm'
import { healthCheckMs } from '../../core/limits.ts'
import { queueNames } from '../../core/jobs.ts'
import type { QueueName } from '../../core/jobs.ts'
import type { ScheduleName } from '../../core/schedules.ts'
import { within } from '../../core/within.ts'
import type { BaseCtx } from '../../db/context.ts'
import { queueOf } from '../../db/jobs.ts'
import { deadJobs, schedules as scheduleTable } from '../../db/schema_jobs.ts'
import type { MetricFamily } from './exposition.ts'
import { queueFamilies, scheduleFamilies } from './job_families.ts'
import type { Backlogs } from './job_families.ts'

/** What is known of schedules, queues and dead jobs. A queue that does not answer in time has no sample. */
export async function jobFamilies(ctx: BaseCtx, schedules: readonly ScheduleName[]): Promise<MetricFamily[]> {
  const [[rows, dead], backlogs] = await Promise.all([
    ctx.db.batch([
      ctx.db.select().from(scheduleTable),
      ctx.db.select({ queue: deadJobs.queue, count: count() }).from(deadJobs).where(isNull(deadJobs.replayedAt)).groupBy(deadJobs.queue),
    ]),
    Promise.all(queueNames.map(async (queue) => [queue, await backlogOf(ctx, queue)] as const)),
  ])
  return [
    ...scheduleFamilies(schedules, rows),
    ...queueFamilies(Object.fromEntries(backlogs) as Backlogs, Object.fromEntries(dead.map((one) => [one.queue, one.count]))),
  ]
}

async function backlogOf(ctx: BaseCtx, queue: QueueName): Promise<Backlogs[QueueName]> {
  return within(queueOf(ctx, queue).metrics(), healthCheckMs).catch((error: unknown) => {
    ctx.log.warn('a queue does not tell what it holds', { queue, error: String(error) })
    return null
  })
}
