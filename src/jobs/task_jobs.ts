import { and, eq, inArray, sql } from 'drizzle-orm'
import type { TaskJob } from '../core/jobs.ts'
import { taskAttemptsMax } from '../core/limits.ts'
import { runningStates } from '../core/tasks.ts'
import type { TaskKind } from '../core/tasks.ts'
import type { BaseCtx } from '../db/context.ts'
import { tasks } from '../db/schema.ts'
import { inTenant } from '../db/tenant.ts'
import { archiveStep } from './archive.ts'
import { eraseStep } from './erase.ts'
import { purge } from './purge.ts'
import { applyRetention } from './retention.ts'
import { runTask } from './run_task.ts'
import { rollUpUsage } from './usage_rollup.ts'
import type { TaskStep } from './task_step.ts'

const steps: { readonly [K in TaskKind]: TaskStep } = { archive: archiveStep, erase: eraseStep }

export async function runTaskJob(ctx: BaseCtx, job: TaskJob, attempts: number): Promise<void> {
  switch (job.kind) {
    case 'task':
      return runTask(ctx, job, steps, attempts >= taskAttemptsMax)
    case 'retention':
      return applyRetention(ctx, job.after)
    case 'purge':
      return purge(ctx, job)
    case 'usage':
      return rollUpUsage(ctx, job)
    case 'report':
    case 'digest':
      throw new Error(`nothing does ${job.kind} yet`)
  }
}

/** A task fails with its message; the others are begun again by their schedules. */
export async function giveUpTaskJob(ctx: BaseCtx, job: TaskJob, reason: string): Promise<void> {
  if (job.kind !== 'task') return
  const tenant = { tenant: { organizationId: job.organization_id } }
  await ctx.db
    .update(tasks)
    .set({ status: 'FAILURE', error: sql`coalesce(${tasks.error}, ${reason})`, updatedAt: ctx.now() })
    .where(and(inTenant(tenant, tasks, eq(tasks.id, job.task_id)), inArray(tasks.status, [...runningStates])))
}
