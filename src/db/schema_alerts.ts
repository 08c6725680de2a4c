import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import type { AlertGroupState } from '../core/alerts.ts'
import { alertNoticeKinds, alertStates, channelKinds, notificationStates } from '../core/alerts.ts'
import { organizations } from './schema.ts'

/* Alert rules, whom they tell, and what became of that. */

const createdAt = integer('created_at').notNull()
const updatedAt = integer('updated_at').notNull()
const organizationId = () =>
  text('organization_id')
    .notNull()
    .references(() => organizations.id)

/**
 * A rule, and where it stands. The columns up to `definition` are what people say, each change raising `version`; the others are
 * the evaluation's, which writes them once a minute. No index names them: each would be one more row write, and the schedule
 * looks at all rules anyway.
 */
export const alertRules = sqliteTable(
  'alert_rules',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    enabled: integer('enabled', { mode: 'boolean' }).notNull(),
    /** Of its definition, for the schedule: seconds between evaluations, and how long late logs are waited for. */
    intervalSeconds: integer('interval_seconds').notNull(),
    delaySeconds: integer('delay_seconds').notNull(),
    version: integer('version').notNull(),
    createdBy: text('created_by').notNull(),
    createdAt,
    updatedAt,
    definition: text('definition', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    /** The worst state of its groups. */
    state: text('state', { enum: alertStates }).notNull().default('inactive'),
    /** Since when it is in that state. */
    stateSince: integer('state_since'),
    /** End of the last window that was evaluated; null: none yet, so it begins with the next one. */
    evaluatedTo: integer('evaluated_to'),
    /** When that was, and how long it took. */
    evaluatedAt: integer('evaluated_at'),
    evaluationMs: integer('evaluation_ms'),
    /** Why the last evaluation failed, and how many did in a row. */
    error: text('error'),
    failures: integer('failures').notNull().default(0),
    /** Who evaluates it until when: at most one at a time. */
    leaseId: text('lease_id'),
    leaseUntil: integer('lease_until').notNull().default(0),
    /** What the state machine knows of each group (search/alerts/machine.ts). */
    groups: text('groups', { mode: 'json' })
      .$type<AlertGroupState[]>()
      .notNull()
      .default(sql`'[]'`),
    /** Version of the definition that they were found with; there were more than a rule tells apart. */
    evaluatedVersion: integer('evaluated_version'),
    groupsTruncated: integer('groups_truncated', { mode: 'boolean' }).notNull().default(false),
    /** When people were told that it fails; null: they were not. */
    errorToldAt: integer('error_told_at'),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.id] })],
)

/** What happened to a rule and its groups, kept for `alertHistoryKeptMs`. */
export const alertHistory = sqliteTable(
  'alert_history',
  {
    organizationId: organizationId(),
    ruleId: text('rule_id').notNull(),
    id: text('id').notNull(),
    /** End of the window that showed it. */
    at: integer('at').notNull(),
    group: text('group_key', { mode: 'json' }).$type<Record<string, string | null>>().notNull(),
    fromState: text('from_state', { enum: alertStates }).notNull(),
    toState: text('to_state', { enum: alertStates }).notNull(),
    value: text('value', { mode: 'json' }).$type<number | null>(),
    /** Why, where the state does not tell: an error, a skipped time, a changed rule. */
    detail: text('detail'),
    /** A silence kept it from being told. */
    silenced: integer('silenced', { mode: 'boolean' }).notNull().default(false),
    createdAt,
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.ruleId, table.id] }), index('alert_history_created').on(table.createdAt)],
)

/**
 * What the evaluation of an organization's rules wrote within an hour: lines of history, and notices (one a channel). A row an
 * organization, begun anew with the next hour.
 */
export const alertBudgets = sqliteTable('alert_budgets', {
  organizationId: organizationId().primaryKey(),
  /** Hours since 1970. */
  hour: integer('hour').notNull(),
  history: integer('history').notNull(),
  notices: integer('notices').notNull(),
})

/**
 * When a rule, or all of an organization, is not told about. With a recurrence it is a maintenance window: it holds for
 * `duration_minutes` from each time that the cron expression names in its time zone.
 */
export const silences = sqliteTable(
  'silences',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    /** Null: all rules. */
    ruleId: text('rule_id'),
    comment: text('comment').notNull(),
    startsAt: integer('starts_at').notNull(),
    /** Null only with a recurrence: for ever. */
    endsAt: integer('ends_at'),
    recurrence: text('recurrence', { mode: 'json' }).$type<{ cron: string; time_zone: string; duration_minutes: number } | null>(),
    createdBy: text('created_by').notNull(),
    createdAt,
    updatedAt,
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.id] })],
)

/** Where notifications go. */
export const notificationChannels = sqliteTable(
  'notification_channels',
  {
    organizationId: organizationId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    kind: text('kind', { enum: channelKinds }).notNull(),
    /** What everybody may see: e-mail addresses, the host of a webhook. */
    config: text('config', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    /** What nobody is shown again: address and signing secret of a webhook, sealed. Null for e-mail. */
    sealedSecret: text('sealed_secret'),
    createdBy: text('created_by').notNull(),
    createdAt,
    updatedAt,
    /** The last attempt to reach it. */
    lastAttemptAt: integer('last_attempt_at'),
    lastError: text('last_error'),
    /** Calls of webhooks and Slack since `calls_from`, for a limit a minute. */
    calls: integer('calls').notNull().default(0),
    callsFrom: integer('calls_from').notNull().default(0),
    /** Attempts that failed in a row, since when, and until when there is none because of that. */
    failures: integer('failures').notNull().default(0),
    failingSince: integer('failing_since'),
    pausedUntil: integer('paused_until'),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.id] })],
)

/**
 * Addresses of an organization's channels and reports that are no member's confirmed e-mail: they are written to once their owner
 * has confirmed.
 */
export const notificationEmails = sqliteTable(
  'notification_emails',
  {
    organizationId: organizationId(),
    email: text('email').notNull(),
    /** SHA-256 of the token in the newest mail that asks. */
    tokenHash: text('token_hash').notNull(),
    askedAt: integer('asked_at').notNull(),
    confirmedAt: integer('confirmed_at'),
    createdAt,
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.email] }),
    index('notification_emails_token').on(table.tokenHash),
    index('notification_emails_email').on(table.email),
  ],
)

/**
 * Notices on their way, one a channel, and of a channel for e-mail one a recipient: that one's id is the mail's. Written in the
 * batch of the evaluation that made them, so that none is lost and none made twice.
 */
export const alertNotifications = sqliteTable(
  'alert_notifications',
  {
    organizationId: organizationId(),
    ruleId: text('rule_id').notNull(),
    id: text('id').notNull(),
    channelId: text('channel_id').notNull(),
    /** Address of e-mail; null for other channels. */
    recipient: text('recipient'),
    kind: text('kind', { enum: alertNoticeKinds }).notNull(),
    status: text('status', { enum: notificationStates }).notNull(),
    attempts: integer('attempts').notNull().default(0),
    error: text('error'),
    /** When it is tried next, and until when somebody is at it. */
    nextAttemptAt: integer('next_attempt_at').notNull(),
    leaseUntil: integer('lease_until').notNull().default(0),
    requestId: text('request_id'),
    createdAt,
    updatedAt,
    /** `AlertNotice`. */
    notice: text('notice', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    /** When somebody sent it again: the time that it has begins anew, while its place in the history stays. */
    retriedAt: integer('retried_at'),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.ruleId, table.id] }),
    // The oldest that waits for a channel, without reading what was sent, which takes no place in it.
    index('alert_notifications_waiting')
      .on(table.organizationId, table.ruleId, table.channelId, table.id)
      .where(sql`${table.status} = 'pending'`),
    // Of the sweep, which looks for what is due in all organizations.
    index('alert_notifications_pending')
      .on(table.nextAttemptAt)
      .where(sql`${table.status} = 'pending'`),
    index('alert_notifications_created').on(table.createdAt),
    // Finds those to a person who is exported or purged.
    index('alert_notifications_recipient')
      .on(table.recipient)
      .where(sql`${table.recipient} is not null`),
  ],
)
