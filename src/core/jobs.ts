import * as z from 'zod'
import { alertRulesPerJobMax } from './limits.ts'
import { mailKinds } from './mails.ts'
import { uuidSchema } from './primitives.ts'

/** Queues by name; each has a dead-letter queue, `<name>-dead`. */
export const queueNames = ['email-jobs', 'alert-jobs', 'notify-jobs', 'task-jobs'] as const
export type QueueName = (typeof queueNames)[number]

/** How a run of a schedule ended; null while the first one is under way. */
export const scheduleOutcomes = ['ok', 'failed'] as const

/*
 * Messages of the queues. Delivery is at least once and unordered, so each names what it is about by its id in D1, where its state
 * makes it once. `request_id` is that of the request or schedule that began it: it is in every line that the job logs.
 */
const origin = { request_id: z.string().max(64).optional() }
/** Where a round over organizations goes on: behind one of them; empty at its beginning. */
const place = z.union([z.literal(''), uuidSchema])
const ofOrganization = { organization_id: uuidSchema, ...origin }

/** Which mail of D1 is to be sent (src/db/mails.ts). */
export const emailJobSchema = z.strictObject({ kind: z.enum(mailKinds), id: uuidSchema, ...origin })
export type EmailJob = z.output<typeof emailJobSchema>

/** Evaluate those of the rules that are due by now. */
export const alertJobSchema = z.strictObject({
  kind: z.literal('evaluate'),
  ...ofOrganization,
  rule_ids: z.array(uuidSchema).min(1).max(alertRulesPerJobMax),
})
export type AlertJob = z.output<typeof alertJobSchema>

/** Deliver what waits for a channel from a rule, the oldest first. Not among the alerts': receivers of one tenant may be slow. */
export const notifyJobSchema = z.strictObject({ kind: z.literal('notify'), ...ofOrganization, rule_id: uuidSchema, channel_id: uuidSchema })
export type NotifyJob = z.output<typeof notifyJobSchema>

export const taskJobSchema = z.discriminatedUnion('kind', [
  /** Do step `step` of a task; one that was done already makes the message a repeat. */
  z.strictObject({ kind: z.literal('task'), ...ofOrganization, task_id: uuidSchema, step: z.int().min(0) }),
  /** Apply retention to the shards behind this one, some at a time. */
  z.strictObject({ kind: z.literal('retention'), ...origin, after: z.strictObject({ organization_id: place, number: z.int() }) }),
  /** Remove some of what hangs on a thing that was deleted long ago; `teams` are those of an organization. */
  z.strictObject({ kind: z.literal('purge'), ...origin, thing: z.enum(['organization', 'account', 'user', 'teams']), id: uuidSchema }),
  /** Run a report that is due at `due_ms`, and mail it. */
  z.strictObject({ kind: z.literal('report'), ...ofOrganization, report_id: uuidSchema, due_ms: z.int() }),
  /** Mail the digest of the week that begins on this day (UTC, `yyyy-mm-dd`) to those members for whom it is time. */
  z.strictObject({ kind: z.literal('digest'), ...ofOrganization, week: z.iso.date() }),
  /** Write down what organizations stored on some days, those behind `after`. */
  z.strictObject({ kind: z.literal('usage'), ...origin, from_day: z.iso.date(), to_day: z.iso.date(), after: place }),
])
export type TaskJob = z.output<typeof taskJobSchema>

/** What each queue carries. */
export interface JobsOf {
  'email-jobs': EmailJob
  'alert-jobs': AlertJob
  'notify-jobs': NotifyJob
  'task-jobs': TaskJob
}

export const jobSchemas = {
  'email-jobs': emailJobSchema,
  'alert-jobs': alertJobSchema,
  'notify-jobs': notifyJobSchema,
  'task-jobs': taskJobSchema,
} as const
