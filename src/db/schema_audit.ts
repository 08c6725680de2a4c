import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { accounts, organizations } from './schema.ts'

/*
 * What was done by whom. Append-only: triggers refuse every update, and only retention and the purge of a tenant
 * (features/audit/) remove entries.
 */

/** Kinds of actors that an entry may name. */
const actorKinds = ['user', 'api_key', 'system'] as const

const entryColumns = {
  /** UUIDv7, so that the primary key also orders by time. */
  id: text('id').notNull(),
  actorKind: text('actor_kind', { enum: actorKinds }).notNull(),
  actorId: text('actor_id'),
  /** `noun.verb`, for example `api_key.revoke`. */
  action: text('action').notNull(),
  targetKind: text('target_kind').notNull(),
  targetId: text('target_id').notNull(),
  details: text('details', { mode: 'json' })
    .$type<Record<string, unknown>>()
    .notNull()
    .default(sql`'{}'`),
  requestId: text('request_id').notNull(),
  clientAddress: text('client_address'),
  createdAt: integer('created_at').notNull(),
  /** Session of a person; an API key is the actor itself. */
  sessionId: text('session_id'),
  /** Changed fields, each with its value before and after; never a secret. */
  changes: text('changes', { mode: 'json' }).$type<Record<string, { before: unknown; after: unknown }>>(),
}

/** What happened in an organization. */
export const auditLog = sqliteTable(
  'audit_log',
  {
    organizationId: text('organization_id')
      .notNull()
      .references(() => organizations.id),
    ...entryColumns,
  },
  (table) => [
    primaryKey({ columns: [table.organizationId, table.id] }),
    // Of the export of a person, who may have acted anywhere; entries of keys and about other things take no place in them.
    index('audit_log_actor_user')
      .on(table.actorId, table.id)
      .where(sql`${table.actorKind} = 'user'`),
    index('audit_log_target_user')
      .on(table.targetId, table.id)
      .where(sql`${table.targetKind} = 'user'`),
  ],
)

/** What happened to an account and its users: logins, passwords, second factors, roles in the account. */
export const accountAuditLog = sqliteTable(
  'account_audit_log',
  {
    accountId: text('account_id')
      .notNull()
      .references(() => accounts.id),
    ...entryColumns,
  },
  (table) => [
    primaryKey({ columns: [table.accountId, table.id] }),
    index('account_audit_log_target').on(table.accountId, table.targetId, table.id),
    index('account_audit_log_actor_user')
      .on(table.actorId, table.id)
      .where(sql`${table.actorKind} = 'user'`),
    index('account_audit_log_target_user')
      .on(table.targetId, table.id)
      .where(sql`${table.targetKind} = 'user'`),
  ],
)
