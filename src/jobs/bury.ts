import { eq, sql } from 'drizzle-orm'
import type { JobsOf, QueueName } from '../core/jobs.ts'
import { jobAttemptsMax } from '../core/limits.ts'
import { uuidSchema } from '../core/primitives.ts'
import type { BaseCtx } from '../db/context.ts'
import { organizations } from '../db/schema.ts'
import { deadJobs } from '../db/schema_jobs.ts'
import { describeBody, harmlessField } from './dead_body.ts'
import type { Handlers } from './dispatch.ts'

interface DeadMessage {
  queue: QueueName
  message: Pick<Message, 'id' | 'body' | 'attempts'>
  handlers: Handlers<unknown>
  /** Undefined where the message has a form that nobody knows. */
  job: JobsOf[QueueName] | undefined
  /** It came through the dead-letter queue: the platform delivered it as often as it does. */
  isDead: boolean
  reason: string
}

/**
 * Writes a message down that was given up, once, and what it is about as failed. The row comes first: trouble with the other must
 * not keep staff from seeing it. Once somebody sent it again, a late repeat undoes nothing.
 */
export async function buryJob(ctx: BaseCtx, { queue, message, handlers, job, isDead, reason }: DeadMessage): Promise<void> {
  const named = uuidSchema.safeParse(harmlessField(message.body, 'organization_id'))
  // It may name an organization that is gone; the row is kept for staff all the same.
  const organizationId = named.success
    ? sql`(select ${organizations.id} from ${organizations} where ${organizations.id} = ${named.data})`
    : null
  const [, [row]] = await ctx.db.batch([
    ctx.db
      .insert(deadJobs)
      .values({
        id: ctx.newId(),
        queue,
        messageId: message.id,
        kind: harmlessField(message.body, 'kind') ?? null,
        // A known form has ids only (test/unit/jobs/job_schemas.test.ts).
        body: job === undefined ? describeBody(message.body) : JSON.stringify(job),
        reason,
        attempts: isDead ? jobAttemptsMax : message.attempts,
        organizationId,
        requestId: ctx.requestId,
        createdAt: ctx.now(),
      })
      .onConflictDoNothing(),
    ctx.db.select({ replayedAt: deadJobs.replayedAt }).from(deadJobs).where(eq(deadJobs.messageId, message.id)),
  ])
  const isReplayed = typeof row?.replayedAt === 'number'
  if (job !== undefined && !isReplayed) await handlers.giveUp(ctx, job, reason)
}
