import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { oneTimeTokenKinds } from '../core/one_time.ts'
import { roles, teamRoles } from '../core/permissions.ts'
import { organizations, users } from './schema.ts'

/* Proofs of a person, and ways into an organization. */

const createdAt = integer('created_at').notNull()
const updatedAt = integer('updated_at').notNull()

/**
 * Password checks that failed or are under way: made before the check and removed when it succeeds. And registrations, under
 * names of their own (see register_throttle.ts).
 */
export const loginAttempts = sqliteTable(
  'login_attempts',
  {
    /** SHA-256 of the normalised e-mail, whether or not a user has it. */
    emailHash: text('email_hash').notNull(),
    id: text('id').notNull(),
    address: text('address').notNull(),
    createdAt,
    /** Set when the password was wrong; until then the check is under way. */
    failed: integer('failed', { mode: 'boolean' }).notNull().default(false),
  },
  (table) => [primaryKey({ columns: [table.emailHash, table.id] }), index('login_attempts_address').on(table.address)],
)

/** Single-use tokens that mails carry; only their SHA-256 is kept. */
export const oneTimeTokens = sqliteTable(
  'one_time_tokens',
  {
    tokenHash: text('token_hash').primaryKey(),
    kind: text('kind', { enum: oneTimeTokenKinds }).notNull(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id),
    createdAt,
    expiresAt: integer('expires_at').notNull(),
    usedAt: integer('used_at'),
  },
  (table) => [index('one_time_tokens_user').on(table.userId, table.kind), index('one_time_tokens_expires').on(table.expiresAt)],
)

/** A change of e-mail that waits for both mailboxes; a new one replaces it. */
export const emailChanges = sqliteTable('email_changes', {
  userId: text('user_id')
    .primaryKey()
    .references(() => users.id),
  newEmail: text('new_email').notNull(),
  /** SHA-256 of the tokens sent to either address. */
  oldTokenHash: text('old_token_hash').notNull(),
  newTokenHash: text('new_token_hash').notNull(),
  oldConfirmedAt: integer('old_confirmed_at'),
  newConfirmedAt: integer('new_confirmed_at'),
  createdAt,
  expiresAt: integer('expires_at').notNull(),
})

/** Browser, system and country that a person has logged in from before. */
export const userDevices = sqliteTable(
  'user_devices',
  {
    userId: text('user_id')
      .notNull()
      .references(() => users.id),
    /** SHA-256 of what tells devices apart (features/auth/devices.ts). */
    fingerprint: text('fingerprint').notNull(),
    createdAt,
    lastSeenAt: integer('last_seen_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.fingerprint] })],
)

/** TOTP (RFC 6238) of a person; at work once confirmed. */
export const secondFactors = sqliteTable('second_factors', {
  userId: text('user_id')
    .primaryKey()
    .references(() => users.id),
  /** Shared secret, sealed under ENCRYPTION_KEYS. */
  sealedSecret: text('sealed_secret').notNull(),
  /** Time step of the last code that was taken: no code counts twice. */
  lastStep: integer('last_step').notNull().default(0),
  confirmedAt: integer('confirmed_at'),
  createdAt,
})

export const recoveryCodes = sqliteTable(
  'recovery_codes',
  {
    userId: text('user_id')
      .notNull()
      .references(() => users.id),
    codeHash: text('code_hash').notNull(),
    usedAt: integer('used_at'),
    createdAt,
  },
  (table) => [primaryKey({ columns: [table.userId, table.codeHash] })],
)

/** E-mails collected before the launch, each once. */
export const preRegistrations = sqliteTable('pre_registrations', { email: text('email').primaryKey(), createdAt })

export const invitations = sqliteTable(
  'invitations',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    id: text('id').notNull(),
    email: text('email').notNull(),
    role: text('role', { enum: roles }).notNull(),
    /** SHA-256 of the token in the newest mail; a resend makes the one before worthless. */
    tokenHash: text('token_hash').notNull(),
    invitedBy: text('invited_by')
      .notNull()
      .references(() => users.id),
    createdAt,
    updatedAt,
    expiresAt: integer('expires_at').notNull(),
    acceptedAt: integer('accepted_at'),
    acceptedBy: text('accepted_by').references(() => users.id),
    revokedAt: integer('revoked_at'),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex('invitations_token').on(table.tokenHash),
    index('invitations_email').on(table.organizationId, table.email),
  ],
)

export const teams = sqliteTable(
  'teams',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    id: text('id').notNull(),
    name: text('name').notNull(),
    description: text('description').notNull().default(''),
    createdAt,
    updatedAt,
    deletedAt: integer('deleted_at'),
    /** The name as it is compared: compatible characters alike, without case (features/teams/name_key.ts). */
    nameKey: text('name_key').notNull().default(''),
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    uniqueIndex('teams_name')
      .on(table.organizationId, table.nameKey)
      .where(sql`${table.deletedAt} is null`),
    // For the purge.
    index('teams_deleted')
      .on(table.deletedAt)
      .where(sql`${table.deletedAt} is not null`),
  ],
)

/** Members of a team are members of its organization: who leaves that leaves its teams. */
export const teamMemberships = sqliteTable(
  'team_memberships',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    teamId: text('team_id').notNull(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id),
    role: text('role', { enum: teamRoles }).notNull(),
    createdAt,
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.teamId, table.userId] }),
    index('team_memberships_user').on(table.userId, table.organizationId),
  ],
)
