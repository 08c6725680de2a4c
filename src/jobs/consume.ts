import { backOffSeconds } from '../core/back_off.ts'
import { messageOf } from '../core/error_message.ts'
import { jobSchemas, queueNames } from '../core/jobs.ts'
import type { JobsOf, QueueName } from '../core/jobs.ts'
import { buryMsMax, jobRunMsMax, notifyLanesAtOnce, notifyPutOffSeconds, notifyTurnMs } from '../core/limits.ts'
import { writeLine } from '../core/log_line.ts'
import { within } from '../core/within.ts'
import type { BaseCtx } from '../db/context.ts'
import { sendJobs } from '../db/jobs.ts'
import { aboutJob } from './about_job.ts'
import { buryJob } from './bury.ts'
import { harmlessField } from './dead_body.ts'
import type { Dispatch, Handlers } from './dispatch.ts'
import { jobCtx } from './job_ctx.ts'
import { inLanes } from './lanes.ts'

const deadSuffix = '-dead'

/** What is used of a message: tests make their own. */
export type JobMessage = Pick<Message, 'id' | 'body' | 'attempts' | 'ack' | 'retry'>

type Outcome = 'done' | 'retry' | 'dead' | 'put off'

/**
 * Handles a batch of any queue, each message for itself. One that fails, or takes too long, comes again later; one of a form that
 * nobody knows, and those of a dead-letter queue, are written down for staff (db/schema_jobs.ts), and what they are about as failed.
 * Receivers of notices may be slow: there each organization has its own turn, at the same time as others.
 */
export async function consumeJobs(
  base: BaseCtx,
  batch: Pick<MessageBatch, 'queue'> & { messages: readonly JobMessage[] },
  dispatch: Dispatch,
): Promise<void> {
  const name = batch.queue.endsWith(deadSuffix) ? batch.queue.slice(0, -deadSuffix.length) : batch.queue
  const queue = queueNames.find((known) => known === name)
  if (queue === undefined) throw new Error(`no jobs are known of the queue ${batch.queue}`)
  // The compiler cannot see that schema and handlers are of the same queue.
  const handlers = dispatch[queue] as Handlers<unknown>
  const isDead = name !== batch.queue
  const hasLanes = queue === 'notify-jobs' && !isDead
  const lanes = {
    laneOf: ({ body }: JobMessage) => (hasLanes && harmlessField(body, 'organization_id')) || '',
    atOnce: hasLanes ? notifyLanesAtOnce : 1,
    turnMs: hasLanes ? notifyTurnMs : Infinity,
    now: () => base.now(),
  }
  await inLanes(batch.messages, lanes, (message, isLate) => consumeOne(base, { queue, message, handlers, isDead, isLate }))
}

/** Never throws: the others of the batch have their turn whatever becomes of this one. */
async function consumeOne(base: BaseCtx, { queue, message, handlers, isDead, isLate }: Omit<Delivery, 'job'>): Promise<void> {
  const started = base.now()
  const { attempts } = message
  const parsed = jobSchemas[queue].safeParse(message.body)
  const job: JobsOf[QueueName] | undefined = parsed.success ? parsed.data : undefined
  const about = { queue, message_id: message.id, ...(job && aboutJob(queue, job)) }
  const { ctx, line } = jobCtx(base, job?.request_id ?? base.requestId, about)
  let outcome: Outcome
  try {
    outcome = await within(settle(ctx, { queue, message, handlers, job, isDead, isLate }), isDead ? buryMsMax : jobRunMsMax[queue])
    message.ack()
  } catch (error) {
    ctx.log.error('job failed', error, { attempts })
    ctx.log.add({ error: error instanceof Error ? messageOf(error) : 'unknown' })
    message.retry({ delaySeconds: backOffSeconds(message.id, attempts) })
    outcome = 'retry'
  }
  const run = { request_id: ctx.requestId, run_id: base.requestId, ...about, attempts, outcome, ms: base.now() - started }
  writeLine('info', 'job', { ...line, ...run })
}

interface Delivery {
  queue: QueueName
  message: JobMessage
  handlers: Handlers<unknown>
  /** Undefined where the message has a form that nobody knows. */
  job: JobsOf[QueueName] | undefined
  /** Given up by the platform. */
  isDead: boolean
  /** The turn of its organization is over. */
  isLate: boolean
}

async function settle(ctx: BaseCtx, { queue, message, handlers, job, isDead, isLate }: Delivery): Promise<Outcome> {
  if (job === undefined || isDead) {
    const reason = job === undefined ? 'It has a form that nobody knows.' : 'It failed again and again.'
    await buryJob(ctx, { queue, message, handlers, job, isDead, reason })
    return 'dead'
  }
  if (isLate) {
    // Not as a retry, of which a message has so many: it did not fail.
    await sendJobs(ctx, queue, [job], { delaySeconds: notifyPutOffSeconds })
    return 'put off'
  }
  await handlers.run(ctx, job, message.attempts)
  return 'done'
}
