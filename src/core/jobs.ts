import * as z from 'zod'
import { mailKinds } from './mails.ts'
import { uuidSchema } from './primitives.ts'

/**
 * Messages of the queue `email-jobs`: which mail of D1 is to be sent (src/db/mails.ts). Delivery is at least once and
 * unordered: handling one twice must leave one mail.
 */
export const emailJobSchema = z.strictObject({ kind: z.enum(mailKinds), id: uuidSchema })
export type EmailJob = z.output<typeof emailJobSchema>

/** Messages of the queue `task-jobs`, delivered at least once and unordered as well. */
export const taskJobSchema = z.discriminatedUnion('kind', [
  /** Do step `step` of a task; one that was done already makes the message a repeat. */
  z.strictObject({ kind: z.literal('task'), organization_id: uuidSchema, task_id: uuidSchema, step: z.int().min(0) }),
  /** Apply retention to the shards behind this one, some at a time. */
  z.strictObject({ kind: z.literal('retention'), after: z.strictObject({ organization_id: z.string(), number: z.int() }) }),
  /** Remove some of what hangs on a thing that was deleted long ago; `teams` are those of an organization. */
  z.strictObject({ kind: z.literal('purge'), thing: z.enum(['organization', 'account', 'user', 'teams']), id: uuidSchema }),
])
export type TaskJob = z.output<typeof taskJobSchema>
