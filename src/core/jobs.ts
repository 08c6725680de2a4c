import * as z from 'zod'
import { emailSchema, uuidSchema } from './primitives.ts'

/**
 * Messages of the queue `email-jobs`: the contract between the verbs that send them and src/jobs, which handles them.
 * Delivery is at least once and unordered, so each carries an id, and handling it twice must leave one result.
 */
const envelope = {
  /** UUIDv7, given by the sender. */
  id: uuidSchema,
  /** Milliseconds since 1970 at which it was sent; the mail's date. */
  sent_ms: z.int().min(0),
}

/** No names that people gave: an e-mail is not confirmed, so they would be anybody's words to anybody. */
const recipient = {
  to: emailSchema,
  /** Organization or account that the mail is about. */
  owner_id: uuidSchema,
}

export const emailJobSchemas = {
  /** The first mail of a new user. */
  registration_welcome: z.strictObject({ kind: z.literal('registration_welcome'), ...envelope, ...recipient }),
  /** Somebody tried to register with an e-mail that is known; only its owner learns of it. */
  registration_known: z.strictObject({ kind: z.literal('registration_known'), ...envelope, ...recipient }),
} as const

/** Messages of the queue `task-jobs`, delivered at least once and unordered as well. */
export const taskJobSchema = z.discriminatedUnion('kind', [
  /** Do step `step` of a task; one that was done already makes the message a repeat. */
  z.strictObject({ kind: z.literal('task'), organization_id: uuidSchema, task_id: uuidSchema, step: z.int().min(0) }),
  /** Apply retention to the shards behind this one, some at a time. */
  z.strictObject({ kind: z.literal('retention'), after: z.strictObject({ organization_id: z.string(), number: z.int() }) }),
])
export type TaskJob = z.output<typeof taskJobSchema>

export type EmailJobKind = keyof typeof emailJobSchemas
export type EmailJobOf<K extends EmailJobKind> = z.output<(typeof emailJobSchemas)[K]>
export type EmailJob = { [K in EmailJobKind]: EmailJobOf<K> }[EmailJobKind]
