import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { mailTransports } from '../core/mail_settings.ts'
import { mailKinds, mailStates } from '../core/mails.ts'
import { organizations, users } from './schema.ts'

/* What people make in an organization, and the mails that go out. */

const createdAt = integer('created_at').notNull()
const updatedAt = integer('updated_at').notNull()

/** A search that a person kept; `shared` shows it to the organization. */
export const savedFilters = sqliteTable(
  'saved_filters',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    id: text('id').notNull(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id),
    name: text('name').notNull(),
    /** Query, times and columns, as its schema allows them. */
    definition: text('definition', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    shared: integer('shared', { mode: 'boolean' }).notNull().default(false),
    createdAt,
    updatedAt,
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.id] })],
)

export const dashboards = sqliteTable(
  'dashboards',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    id: text('id').notNull(),
    name: text('name').notNull(),
    /** Description, times and panels, as its schema allows them. */
    definition: text('definition', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    createdBy: text('created_by').notNull(),
    createdAt,
    updatedAt,
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.id] })],
)

/**
 * Mails, written in the D1 batch of the act they tell of, so that none is lost and none tells of what did not happen. The queue
 * carries their ids.
 */
export const mails = sqliteTable(
  'mails',
  {
    id: text('id').primaryKey(),
    kind: text('kind', { enum: mailKinds }).notNull(),
    recipient: text('recipient').notNull(),
    /** Organization, account or user that it is about. */
    ownerId: text('owner_id').notNull(),
    /** What the text needs (src/core/mails.ts), sealed: it may hold a token. Empty once it is sent. */
    sealedParams: text('sealed_params').notNull(),
    status: text('status', { enum: mailStates }).notNull(),
    error: text('error'),
    createdAt,
    updatedAt,
    /** Of the request or job that wrote it. */
    requestId: text('request_id'),
    /** What it is once: a second mail with the same key is not written. Null: every one is wanted. */
    onceKey: text('once_key'),
    attempts: integer('attempts').notNull().default(0),
    /** A delivery is at it until then; others leave it alone. */
    leaseUntil: integer('lease_until').notNull().default(0),
    /** By what it was sent. */
    transport: text('transport', { enum: mailTransports }),
  },
  (table) => [
    uniqueIndex('mails_once')
      .on(table.onceKey)
      .where(sql`${table.onceKey} is not null`),
    // Finds mails whose message was lost; sent ones take no place in it.
    index('mails_pending')
      .on(table.createdAt)
      .where(sql`${table.status} = 'pending'`),
    // Counts what an e-mail was sent lately, with every invitation and notice.
    index('mails_recipient').on(table.recipient, table.createdAt),
    // Counts what an organization sent lately, with every alert and report.
    index('mails_owner').on(table.ownerId, table.kind, table.createdAt),
  ],
)
