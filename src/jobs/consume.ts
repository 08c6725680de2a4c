import { messageOf } from '../core/error_message.ts'
import { jobSchemas, queueNames } from '../core/jobs.ts'
import type { QueueName } from '../core/jobs.ts'
import { jobRetrySeconds, jobRetrySecondsMax } from '../core/limits.ts'
import { createLog } from '../core/log.ts'
import { writeLine } from '../core/log_line.ts'
import type { BaseCtx } from '../db/context.ts'
import { buryJob } from './bury.ts'
import { dispatch } from './dispatch.ts'
import type { Handlers } from './dispatch.ts'

const deadSuffix = '-dead'

type JobMessage = Pick<Message, 'id' | 'body' | 'attempts' | 'ack' | 'retry'>

/**
 * Handles a batch of any queue, each message for itself. One that fails comes again later; one of a form that nobody knows, and
 * those of a dead-letter queue, are written down for staff (db/schema_jobs.ts), and what they are about as failed.
 */
export async function consumeJobs(base: BaseCtx, batch: Pick<MessageBatch, 'queue'> & { messages: readonly JobMessage[] }): Promise<void> {
  const name = batch.queue.endsWith(deadSuffix) ? batch.queue.slice(0, -deadSuffix.length) : batch.queue
  const queue = queueNames.find((known) => known === name)
  if (queue === undefined) throw new Error(`no jobs are known of the queue ${batch.queue}`)
  const isDead = name !== batch.queue
  for (const message of batch.messages) await consumeOne(base, queue, message, isDead)
}

async function consumeOne(base: BaseCtx, queue: QueueName, message: JobMessage, isDead: boolean): Promise<void> {
  const started = base.now()
  const { attempts } = message
  const job = jobSchemas[queue].safeParse(message.body)
  const requestId = (job.success ? job.data.request_id : undefined) ?? base.requestId
  const log = createLog(requestId)
  const ctx: BaseCtx = { ...base, requestId, log }
  // The compiler cannot see that schema and handlers are of the same queue.
  const handlers = dispatch[queue] as Handlers<unknown>
  let outcome: 'done' | 'retry' | 'dead'
  try {
    if (!job.success) await buryJob(ctx, { queue, message, reason: 'It has a form that nobody knows.' })
    else if (isDead) await buryJob(ctx, { queue, message, job: job.data, reason: 'It failed again and again.' })
    else await handlers.run(ctx, job.data, attempts)
    message.ack()
    outcome = isDead || !job.success ? 'dead' : 'done'
  } catch (error) {
    log.error('job failed', error, { queue, message_id: message.id, attempts })
    log.add({ error: error instanceof Error ? messageOf(error) : 'unknown' })
    message.retry({ delaySeconds: retrySeconds(message.id, attempts) })
    outcome = 'retry'
  }
  const { kind } = (job.success ? job.data : {}) as { kind?: string }
  const line = {
    request_id: requestId,
    run_id: base.requestId,
    queue,
    kind,
    message_id: message.id,
    attempts,
    outcome,
    ms: base.now() - started,
  }
  writeLine('info', 'job', { ...line, ...log.line })
}

/** How long a message waits after so many attempts: exponential back-off, less a part that its id decides, so that not all come at once. */
export function retrySeconds(messageId: string, attempts: number): number {
  const wait = Math.min(jobRetrySecondsMax, jobRetrySeconds * 2 ** (attempts - 1))
  let hash = attempts
  for (let i = 0; i < messageId.length; i++) hash = (Math.imul(hash, 31) + messageId.charCodeAt(i)) >>> 0
  return Math.ceil(wait * (1 - (hash % 1000) / 2000))
}
