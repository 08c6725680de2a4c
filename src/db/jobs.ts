import type { JobsOf, QueueName } from '../core/jobs.ts'
import { jobBatchBytesMax, jobBatchMessagesMax, jobBytesMax } from '../core/limits.ts'
import type { BaseCtx } from './context.ts'

/**
 * Sends jobs to their queue, as many at once as it takes, each with the id of the request that they come from (unless it has one
 * already: a chain keeps that of its beginning). Throws on a message that is too long to be one of ours.
 */
export async function sendJobs<Q extends QueueName>(
  ctx: Pick<BaseCtx, 'env' | 'requestId'>,
  queue: Q,
  jobs: readonly JobsOf[Q][],
  options: { delaySeconds?: number } = {},
): Promise<void> {
  const binding = queueOf(ctx, queue)
  for (const batch of batchesOf(jobs.map((job) => ({ ...job, request_id: job.request_id ?? ctx.requestId })))) {
    await binding.sendBatch(
      batch.map((body) => ({ body })),
      options,
    )
  }
}

/** The producer of a queue. */
export function queueOf<Q extends QueueName>({ env }: Pick<BaseCtx, 'env'>, queue: Q): Queue<JobsOf[Q]> {
  const bindings = {
    'email-jobs': env.EMAIL_JOBS,
    'alert-jobs': env.ALERT_JOBS,
    'notify-jobs': env.NOTIFY_JOBS,
    'task-jobs': env.TASK_JOBS,
  } as const
  return bindings[queue] as Queue<JobsOf[Q]>
}

function batchesOf<T extends object>(jobs: readonly T[]): T[][] {
  const batches: T[][] = []
  let bytes = Infinity
  for (const job of jobs) {
    const size = new TextEncoder().encode(JSON.stringify(job)).length
    if (size > jobBytesMax) throw new Error(`a job of ${size} bytes is too long for a queue`)
    const last = batches.at(-1)
    if (last === undefined || last.length === jobBatchMessagesMax || bytes + size > jobBatchBytesMax) {
      batches.push([job])
      bytes = size
    } else {
      last.push(job)
      bytes += size
    }
  }
  return batches
}
