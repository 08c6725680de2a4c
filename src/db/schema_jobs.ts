import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { queueNames, scheduleOutcomes } from '../core/jobs.ts'
import { suppressionReasons, suppressionScopes } from '../core/mails.ts'
import { organizations } from './schema.ts'

/* What jobs and schedules know of themselves. */

const createdAt = integer('created_at').notNull()
const updatedAt = integer('updated_at').notNull()

/** Messages that were given up, for staff to look at and to send again. */
export const deadJobs = sqliteTable('dead_jobs', {
  /** UUIDv7. */
  id: text('id').primaryKey(),
  queue: text('queue', { enum: queueNames }).notNull(),
  /** The platform's id of the message: it is recorded once. */
  messageId: text('message_id').notNull().unique(),
  /** The kind that it claims to be. */
  kind: text('kind'),
  /** As JSON, cut where it is too long to be ours. */
  body: text('body').notNull(),
  reason: text('reason').notNull(),
  attempts: integer('attempts').notNull(),
  organizationId: text('organization_id'),
  requestId: text('request_id'),
  createdAt,
  replayedAt: integer('replayed_at'),
  replayedBy: text('replayed_by'),
})

/** Each schedule: who runs it until when, and how it went last. */
export const schedules = sqliteTable('schedules', {
  name: text('name').primaryKey(),
  leaseId: text('lease_id'),
  leaseUntil: integer('lease_until').notNull().default(0),
  startedAt: integer('started_at'),
  endedAt: integer('ended_at'),
  durationMs: integer('duration_ms'),
  outcome: text('outcome', { enum: scheduleOutcomes }),
  error: text('error'),
  runs: integer('runs').notNull().default(0),
  failures: integer('failures').notNull().default(0),
  /** When it last went well. */
  succeededAt: integer('succeeded_at'),
  /** When this deployment first heard of it. */
  knownAt: integer('known_at'),
  /** Times at which its turn passed, since the run before held it still. */
  skips: integer('skips').notNull().default(0),
  skippedAt: integer('skipped_at'),
})

/** Addresses that are not written to: nobody is there, or somebody does not want it. */
export const mailSuppressions = sqliteTable(
  'mail_suppressions',
  {
    email: text('email').notNull(),
    /** `all`, or the kind of mail that one can do without. */
    scope: text('scope', { enum: suppressionScopes }).notNull(),
    reason: text('reason', { enum: suppressionReasons }).notNull(),
    /** What the receiving side said. */
    detail: text('detail'),
    createdAt,
  },
  (table) => [primaryKey({ columns: [table.email, table.scope] })],
)

/** Events of a mail service that were seen: it reports each at least once. */
export const mailEvents = sqliteTable(
  'mail_events',
  {
    /** The service's. */
    id: text('id').primaryKey(),
    createdAt,
  },
  (table) => [index('mail_events_created').on(table.createdAt)],
)

/** Searches that are mailed as CSV at times that people choose. */
export const reports = sqliteTable(
  'reports',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    id: text('id').notNull(),
    name: text('name').notNull(),
    enabled: integer('enabled', { mode: 'boolean' }).notNull(),
    /** Query, times, columns, cron expression, time zone, recipients. */
    definition: text('definition', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    /** When it is due next; null while it is not enabled. */
    nextAt: integer('next_at'),
    lastRunAt: integer('last_run_at'),
    /** Rows of the last one, or why there was none. */
    lastRows: integer('last_rows'),
    lastError: text('last_error'),
    createdBy: text('created_by').notNull(),
    createdAt,
    updatedAt,
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    index('reports_due')
      .on(table.nextAt)
      .where(sql`${table.nextAt} is not null`),
  ],
)

/**
 * Runs of reports, each claimed before it searches, so that a moment is searched and mailed once. Its file in R2 has a name made of
 * report and moment, and goes with the row.
 */
export const reportRuns = sqliteTable(
  'report_runs',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    reportId: text('report_id').notNull(),
    /** The moment that it is of. */
    dueAt: integer('due_at').notNull(),
    /** Until when a job works on it; null once it is over. */
    leaseUntil: integer('lease_until'),
    /** Somebody asked for it, beside the times of the report. */
    asked: integer('asked', { mode: 'boolean' }).notNull(),
    /** Of the request or schedule that began it. */
    requestId: text('request_id').notNull(),
    createdAt,
    /** When the row and its file go. */
    keptUntil: integer('kept_until').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.reportId, table.dueAt] }),
    index('report_runs_kept').on(table.keptUntil),
    // Counts what an organization asked for lately.
    index('report_runs_asked')
      .on(table.organizationId, table.createdAt)
      .where(sql`${table.asked} = 1`),
  ],
)

/** What an organization stored by day (UTC), rolled up from its shards, which forget it with them. */
export const usageDays = sqliteTable(
  'usage_days',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    /** `yyyy-mm-dd`. */
    day: text('day').notNull(),
    /** Rows, and raw bytes of their text; what was received and not stored was rejected. */
    receivedRows: integer('received_rows').notNull(),
    receivedBytes: integer('received_bytes').notNull(),
    storedRows: integer('stored_rows').notNull(),
    storedBytes: integer('stored_bytes').notNull(),
    updatedAt,
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.day] })],
)
