import type { TaskJob } from '../core/jobs.ts'
import { taskAttemptsMax } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendDigest } from './digest.ts'
import { giveUpTask } from './give_up_task.ts'
import { purge } from './purge.ts'
import { noteFailure, sendReport } from './report.ts'
import { applyRetention } from './retention.ts'
import { runTask } from './run_task.ts'
import { rollUpUsage } from './usage_rollup.ts'
import { taskSteps } from './task_steps.ts'

export async function runTaskJob(ctx: BaseCtx, job: TaskJob, attempts: number): Promise<void> {
  switch (job.kind) {
    case 'task':
      return runTask(ctx, job, taskSteps, attempts >= taskAttemptsMax)
    case 'retention':
      return applyRetention(ctx, job.after)
    case 'purge':
      return purge(ctx, job)
    case 'usage':
      return rollUpUsage(ctx, job)
    case 'report':
      return sendReport(ctx, job)
    case 'digest':
      return sendDigest(ctx, job)
  }
}

/** A task fails with its message; the others are begun again by their schedules. */
export async function giveUpTaskJob(ctx: BaseCtx, job: TaskJob, reason: string): Promise<void> {
  if (job.kind === 'task') await giveUpTask(ctx, job, reason)
  if (job.kind === 'report') await noteFailure({ ...ctx, tenant: { organizationId: job.organization_id } }, job.report_id, reason)
}
