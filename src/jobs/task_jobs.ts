import { taskJobSchema } from '../core/jobs.ts'
import { taskAttemptsMax, taskRetrySeconds } from '../core/limits.ts'
import type { TaskKind } from '../core/tasks.ts'
import type { BaseCtx } from '../db/context.ts'
import { archiveStep } from './archive.ts'
import { eraseStep } from './erase.ts'
import { purge } from './purge.ts'
import { applyRetention } from './retention.ts'
import { runTask } from './run_task.ts'
import type { TaskStep } from './task_step.ts'

const steps: { readonly [K in TaskKind]: TaskStep } = { archive: archiveStep, erase: eraseStep }

/** Handles a batch of `task-jobs`. One that fails, or that no schema takes, is retried and ends in the dead-letter queue. */
export async function consumeTaskJobs(ctx: BaseCtx, batch: MessageBatch): Promise<void> {
  for (const message of batch.messages) {
    try {
      const job = taskJobSchema.parse(message.body)
      if (job.kind === 'retention') await applyRetention(ctx, job.after)
      else if (job.kind === 'purge') await purge(ctx, job)
      else await runTask(ctx, job, steps, message.attempts >= taskAttemptsMax)
      message.ack()
    } catch (error) {
      ctx.log.error('task job failed', error, { message_id: message.id, attempts: message.attempts })
      message.retry({ delaySeconds: taskRetrySeconds * 2 ** Math.min(message.attempts - 1, 6) })
    }
  }
}
