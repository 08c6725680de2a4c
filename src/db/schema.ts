import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import { auditDaysDefault, retentionDaysDefault } from '../core/limits.ts'
import { accountRoles, keyKinds, roles } from '../core/permissions.ts'
import type { Scope } from '../core/permissions.ts'
import { runningStates, taskKinds, taskStates } from '../core/tasks.ts'

/*
 * The control plane in D1. Ids are UUIDv7 text, times are integer milliseconds since 1970 (UTC).
 * A table of one organization's things has `organization_id` first in its primary key: every query names the tenant,
 * so that one index serves both identity and listing, and D1 bills one row write fewer. Only memberships, which each
 * request of a person looks up by that person, begin with `user_id`.
 */

const createdAt = integer('created_at').notNull()
const updatedAt = integer('updated_at').notNull()
/** Soft deletion: kept for 30 days, invisible meanwhile. */
const deletedAt = integer('deleted_at')
/** Of the purge, which looks for what was deleted long ago. */
const deletedIndex = (name: string, column: SQLiteColumn) =>
  index(name)
    .on(column)
    .where(sql`${column} is not null`)

export const accounts = sqliteTable(
  'accounts',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    createdAt,
    updatedAt,
    deletedAt,
  },
  (table) => [deletedIndex('accounts_deleted', table.deletedAt)],
)

export const organizations = sqliteTable(
  'organizations',
  {
    id: text('id').primaryKey(),
    accountId: text('account_id')
      .notNull()
      .references(() => accounts.id),
    name: text('name').notNull(),
    createdAt,
    updatedAt,
    deletedAt,
    /** Days that logs are kept after their receipt; null keeps all. */
    retentionDays: integer('retention_days').default(retentionDaysDefault),
    /** Limits of what it may store, set by an operator; null where the deployment's default holds. */
    quotaRowsPerMinute: integer('quota_rows_per_minute'),
    quotaBytesPerMinute: integer('quota_bytes_per_minute'),
    quotaRowsPerMonth: integer('quota_rows_per_month'),
    quotaBytesPerMonth: integer('quota_bytes_per_month'),
    /** Raised with each change of the columns above. */
    settingsVersion: integer('settings_version').notNull().default(0),
    /** Only sessions that passed a second factor may act in it. */
    requireSecondFactor: integer('require_second_factor', { mode: 'boolean' }).notNull().default(false),
    /** Days that entries of the audit log are kept. */
    auditDays: integer('audit_days').notNull().default(auditDaysDefault),
  },
  (table) => [index('organizations_account').on(table.accountId), deletedIndex('organizations_deleted', table.deletedAt)],
)

export const users = sqliteTable(
  'users',
  {
    id: text('id').primaryKey(),
    accountId: text('account_id')
      .notNull()
      .references(() => accounts.id),
    /** Normalised by `emailSchema`: trimmed and lower-case. A soft-deleted user keeps it until the purge. */
    email: text('email').notNull(),
    /** How others see the person. */
    name: text('name').notNull(),
    /** `noPassword` (features/auth/password.ts) until the person has chosen one. */
    passwordHash: text('password_hash').notNull(),
    /** Raised to end every session and access token at once. */
    tokenVersion: integer('token_version').notNull().default(0),
    defaultOrganizationId: text('default_organization_id').references(() => organizations.id),
    createdAt,
    updatedAt,
    deletedAt,
    emailVerifiedAt: integer('email_verified_at'),
    passwordChangedAt: integer('password_changed_at'),
    /** Staff of the deployment: sees and manages the control plane of every tenant. */
    isStaff: integer('is_staff', { mode: 'boolean' }).notNull().default(false),
    firstName: text('first_name'),
    lastName: text('last_name'),
    /** E.164. */
    phone: text('phone'),
    /** `yyyy-mm-dd`. */
    birthDate: text('birth_date'),
    /** BCP 47. */
    locale: text('locale'),
    /** IANA name. */
    timeZone: text('time_zone'),
    notificationPreferences: text('notification_preferences', { mode: 'json' })
      .$type<Record<string, boolean>>()
      .notNull()
      .default(sql`'{}'`),
  },
  (table) => [
    uniqueIndex('users_email').on(table.email),
    index('users_account').on(table.accountId),
    deletedIndex('users_deleted', table.deletedAt),
    // Finds who is to be reminded, or deleted, of those who never confirmed the e-mail.
    index('users_unverified')
      .on(table.createdAt)
      .where(sql`${table.emailVerifiedAt} is null and ${table.deletedAt} is null`),
  ],
)

export const memberships = sqliteTable(
  'memberships',
  {
    userId: text('user_id')
      .notNull()
      .references(() => users.id),
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    role: text('role', { enum: roles }).notNull(),
    createdAt,
  },
  (table) => [primaryKey({ columns: [table.userId, table.organizationId] }), index('memberships_organization').on(table.organizationId)],
)

/** Who manages an account: its organizations and users, but not their logs. */
export const accountMemberships = sqliteTable(
  'account_memberships',
  {
    userId: text('user_id')
      .notNull()
      .references(() => users.id),
    accountId: text('account_id')
      .notNull()
      .references(() => accounts.id),
    role: text('role', { enum: accountRoles }).notNull(),
    createdAt,
  },
  (table) => [primaryKey({ columns: [table.userId, table.accountId] }), index('account_memberships_account').on(table.accountId)],
)

export const sessions = sqliteTable(
  'sessions',
  {
    id: text('id').primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id),
    /** The user's token version at login; the session is over when the user's has moved on. */
    tokenVersion: integer('token_version').notNull(),
    /** SHA-256 of the part that all refresh tokens of this session share: who shows it held one of them. */
    familyHash: text('family_hash').notNull(),
    /** SHA-256 of the secret part of the current and of the replaced refresh token. */
    tokenHash: text('token_hash').notNull(),
    previousTokenHash: text('previous_token_hash'),
    /** The random salt that made the current secret out of the one before, to answer a repeated refresh alike. */
    rotationSalt: text('rotation_salt'),
    rotatedAt: integer('rotated_at'),
    userAgent: text('user_agent'),
    clientAddress: text('client_address'),
    createdAt,
    expiresAt: integer('expires_at').notNull(),
    revokedAt: integer('revoked_at'),
    /** Last login or refresh. */
    lastSeenAt: integer('last_seen_at').notNull().default(0),
    /** When the password was last proved in this session. */
    passwordProvedAt: integer('password_proved_at').notNull().default(0),
    /** When a second factor was proved in this session; null: never. */
    secondFactorAt: integer('second_factor_at'),
    /** Where the login came from, as Cloudflare tells it: ISO 3166 country and a city. */
    country: text('country'),
    city: text('city'),
  },
  (table) => [index('sessions_user').on(table.userId)],
)

export const apiKeys = sqliteTable(
  'api_keys',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    id: text('id').notNull(),
    name: text('name').notNull(),
    kind: text('kind', { enum: keyKinds }).notNull(),
    scopes: text('scopes', { mode: 'json' }).$type<Scope[]>().notNull(),
    /** SHA-256 of the whole key; the key itself is shown once and never stored. */
    keyHash: text('key_hash').notNull(),
    /** The end of the key, so that people can tell keys apart. */
    hint: text('hint').notNull(),
    createdBy: text('created_by')
      .notNull()
      .references(() => users.id),
    createdAt,
    updatedAt,
    expiresAt: integer('expires_at'),
    /** Written at most once an hour. */
    lastUsedAt: integer('last_used_at'),
    revokedAt: integer('revoked_at'),
    /** SHA-256 of the value before the last rotation, which works until the grace ends. */
    previousKeyHash: text('previous_key_hash'),
    previousEndsAt: integer('previous_ends_at'),
    /** Its own limit, below the one of the deployment. */
    rateLimitPerMinute: integer('rate_limit_per_minute'),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex('api_keys_hash').on(table.keyHash),
    // Most keys were never rotated, and take no place in it.
    uniqueIndex('api_keys_previous_hash')
      .on(table.previousKeyHash)
      .where(sql`${table.previousKeyHash} is not null`),
  ],
)

/** Every LogShard object; its name is `organization_id/region/number`. */
export const logShards = sqliteTable(
  'log_shards',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    number: integer('number').notNull(),
    region: text('region').notNull(),
    createdAt,
    /** Rows that retention removed from it, as far as the audit log tells. */
    expiredRows: integer('expired_rows').notNull().default(0),
    /** The shortest term in days that it may still go by; null when it was told none. Zero: not known. */
    toldRetentionDays: integer('told_retention_days'),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.number] })],
)

/** Work in the background, and what became of it. */
export const tasks = sqliteTable(
  'tasks',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    /** UUIDv7, so that the primary key also orders by time. */
    id: text('id').notNull(),
    kind: text('kind', { enum: taskKinds }).notNull(),
    status: text('status', { enum: taskStates }).notNull(),
    params: text('params', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    /** What its steps remember. */
    state: text('state', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    progress: real('progress').notNull().default(0),
    result: text('result', { mode: 'json' }).$type<Record<string, unknown>>(),
    error: text('error'),
    /** The step that comes next: a message that names another one is a repeat. */
    step: integer('step').notNull().default(0),
    retries: integer('retries').notNull().default(0),
    /** User or API key. */
    createdBy: text('created_by').notNull(),
    createdAt,
    updatedAt,
    requestId: text('request_id'),
    /** Of the request: the same key of the same caller makes one task, and the hash tells whether it asks for the same. */
    idempotencyKey: text('idempotency_key'),
    requestHash: text('request_hash'),
    /** When its objects in R2 go; null while it is at work, and when it has none any more. */
    filesUntil: integer('files_until'),
    /** When a link gave its file last, as the audit log has it. */
    downloadedAt: integer('downloaded_at'),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    // Finds tasks whose message was lost; finished ones take no place in it.
    index('tasks_running')
      .on(table.updatedAt)
      .where(sql`${table.status} in (${sql.raw(runningStates.map((state) => `'${state}'`).join(', '))})`),
    uniqueIndex('tasks_idempotency')
      .on(table.organizationId, table.createdBy, table.idempotencyKey)
      .where(sql`${table.idempotencyKey} is not null`),
    index('tasks_files')
      .on(table.filesUntil)
      .where(sql`${table.filesUntil} is not null`),
  ],
)

/** Stored logs that a query could not read. */
export const damagedSegments = sqliteTable(
  'damaged_segments',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    /** R2 key; `block` for hot blocks. */
    segment: text('segment').notNull(),
    reason: text('reason').notNull(),
    seenAt: integer('seen_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.organizationId, table.segment] }), index('damaged_segments_seen').on(table.seenAt)],
)
