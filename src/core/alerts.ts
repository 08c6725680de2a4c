import * as z from 'zod'
import { alertNoticeGroupsMax, alertSampleLogsMax } from './limits.ts'

/* What rules, their evaluation, their history and their notifications have in common. */

/** How bad it is when a rule fires, the worst first. */
export const alertSeverities = ['critical', 'error', 'warning', 'info'] as const
export type AlertSeverity = (typeof alertSeverities)[number]

/**
 * Where a group of a rule stands. `pending`: the threshold is crossed, but not for long enough. `recovering`: it is over, but not
 * for long enough. `nodata`: nothing came for as long as the rule says. `error`: the query failed.
 */
export const alertStates = ['inactive', 'pending', 'firing', 'recovering', 'nodata', 'error'] as const
export type AlertState = (typeof alertStates)[number]

/** What a notification tells. `reminder`: it still fires. `test`: somebody pressed the button. */
export const alertNoticeKinds = ['firing', 'reminder', 'resolved', 'nodata', 'error', 'test'] as const
export type AlertNoticeKind = (typeof alertNoticeKinds)[number]

/** `pending` until the channel accepted it (`sent`) or never will (`failed`). */
export const notificationStates = ['pending', 'sent', 'failed'] as const

export const channelKinds = ['email', 'webhook', 'slack'] as const

/** The values of a group by field; empty for a rule without groups. A value is null where logs lack the field. */
export const alertGroupKey = z.record(z.string(), z.string().nullable())
export type AlertGroupKey = z.output<typeof alertGroupKey>

/** What the evaluation knows of a group of a rule: kept with the rule, and shown. Times in milliseconds are ends of windows. */
export const alertGroupState = z.strictObject({
  key: alertGroupKey,
  state: z.enum(['inactive', 'pending', 'firing', 'recovering', 'nodata']),
  /** Since when it is in that state. */
  since_ms: z.int(),
  /** The last window that had a value for it, and that value. */
  seen_ms: z.int(),
  value: z.number().nullable(),
  /** What people were told of it last, and when: what is to be told follows from the two. */
  told: z.enum(['none', 'firing', 'nodata']),
  told_ms: z.int().nullable(),
})
export type AlertGroupState = z.output<typeof alertGroupState>

/** One thing that people are told, over all channels of a rule: the body of webhooks, and what mails and Slack messages are made of. */
export const alertNoticeSchema = z.strictObject({
  /** UUIDv7; the same in every channel and every retry, so that a receiver can tell a repeat. */
  id: z.string(),
  kind: z.enum(alertNoticeKinds),
  organization: z.strictObject({ id: z.string(), name: z.string() }),
  rule: z.strictObject({
    id: z.string(),
    name: z.string(),
    severity: z.enum(alertSeverities),
    description: z.string(),
    runbook_url: z.string().nullable(),
    /** The condition in words, such as `count() > 100 within 5m`. Long texts are cut. */
    condition: z.string(),
    q: z.string(),
  }),
  /** What was looked at last; RFC 3339. */
  from: z.string(),
  to: z.string(),
  /** Those that this notice is about, the worst first. */
  groups: z
    .array(
      z.strictObject({
        group: alertGroupKey,
        state: z.enum(alertStates),
        value: z.number().nullable(),
        /** Since when it is in this state; RFC 3339. */
        since: z.string(),
        /** Where the logs that caused it are found. */
        logs_url: z.string(),
      }),
    )
    .max(alertNoticeGroupsMax),
  /** How many there are; `groups` names the worst of them. */
  groups_total: z.int().optional(),
  logs_url: z.string(),
  rule_url: z.string(),
  /** Some of the logs that caused it, newest first; long messages are cut. */
  logs: z
    .array(z.strictObject({ id: z.string(), timestamp: z.string(), severity: z.string(), source: z.string(), message: z.string() }))
    .max(alertSampleLogsMax),
  /** Of the kind `error`: what the query failed of. */
  error: z.string().nullable(),
})
export type AlertNotice = z.output<typeof alertNoticeSchema>
