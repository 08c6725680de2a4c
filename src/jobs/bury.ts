import { sql } from 'drizzle-orm'
import type { QueueName } from '../core/jobs.ts'
import { deadJobBodyCharsMax, deadJobReasonCharsMax } from '../core/limits.ts'
import { uuidSchema } from '../core/primitives.ts'
import type { BaseCtx } from '../db/context.ts'
import { organizations } from '../db/schema.ts'
import { deadJobs } from '../db/schema_jobs.ts'
import { dispatch } from './dispatch.ts'
import type { Handlers } from './dispatch.ts'

interface DeadMessage {
  queue: QueueName
  message: Pick<Message, 'id' | 'body' | 'attempts'>
  /** Left out where the message has a form that nobody knows. */
  job?: { kind: string }
  reason: string
}

/** Writes a message down that was given up, once, and what it is about as failed. */
export async function buryJob(ctx: BaseCtx, { queue, message, job, reason }: DeadMessage): Promise<void> {
  const why = reason.slice(0, deadJobReasonCharsMax)
  if (job !== undefined) await (dispatch[queue] as Handlers<unknown>).giveUp(ctx, job, why)
  const { kind, organization_id: named } = fieldsOf(message.body)
  const organization = uuidSchema.safeParse(named)
  // A message may name an organization that is gone; the row is kept for staff all the same.
  const organizationId = organization.success
    ? sql`(select ${organizations.id} from ${organizations} where ${organizations.id} = ${organization.data})`
    : null
  await ctx.db
    .insert(deadJobs)
    .values({
      id: ctx.newId(),
      queue,
      messageId: message.id,
      kind: typeof kind === 'string' ? kind.slice(0, 100) : null,
      body: (JSON.stringify(message.body) ?? 'undefined').slice(0, deadJobBodyCharsMax),
      reason: why,
      attempts: message.attempts,
      organizationId,
      requestId: ctx.requestId,
      createdAt: ctx.now(),
    })
    .onConflictDoNothing()
}

function fieldsOf(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
}
