import { and, asc, eq, getTableColumns, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import type { BaseCtx } from '../../db/context.ts'
import { accountMemberships, accounts, apiKeys, memberships, organizations, tasks, users } from '../../db/schema.ts'
import { alertRules, notificationChannels, notificationEmails, silences } from '../../db/schema_alerts.ts'
import { accountAuditLog, auditLog } from '../../db/schema_audit.ts'
import { dashboards, savedFilters } from '../../db/schema_content.ts'
import { invitations, teamMemberships, teams } from '../../db/schema_identity.ts'
import { reports, usageDays } from '../../db/schema_jobs.ts'

/** Whose data, who asked for it, and which organization of the account, where a section is of one. */
export interface SectionScope {
  accountId: string
  organizationId: string
  requestedBy: string
}

/** One kind of what the service keeps for an account: what it is called in the file, and its rows in the order of their key. */
export interface AccountSection {
  readonly name: string
  readonly table: SQLiteTable
  /** Names of the columns that leave. What is added to a table later does not leave by itself. */
  readonly columns: readonly string[]
  /** Rows behind the one with this key, or the first ones; the key of a row is the values of `keyOf`. */
  page(
    ctx: Pick<BaseCtx, 'db'>,
    scope: SectionScope,
    after: readonly unknown[] | null,
    limit: number,
  ): PromiseLike<Record<string, unknown>[]>
  keyOf(row: Readonly<Record<string, unknown>>): unknown[]
}

interface Spec<T extends SQLiteTable> {
  where: (scope: SectionScope) => SQL | undefined
  /** What tells its rows apart within `where`. */
  key: readonly (keyof T['_']['columns'] & string)[]
  columns: readonly (keyof T['_']['columns'] & string)[]
}

function section<T extends SQLiteTable>(name: string, table: T, { where, key, columns }: Spec<T>): AccountSection {
  const all = getTableColumns(table) as Record<string, SQLiteColumn>
  const pick = (names: readonly string[]) => names.map((each) => [each, all[each]] as const)
  const keyColumns = pick(key).flatMap(([, column]) => (column === undefined ? [] : [column]))
  const behind = (after: readonly unknown[]) =>
    sql`(${sql.join(keyColumns, sql`, `)}) > (${sql.join(
      after.map((value) => sql`${value}`),
      sql`, `,
    )})`
  return {
    name,
    table,
    columns,
    keyOf: (row) => key.map((each) => row[each]),
    page: ({ db }, scope, after, limit) =>
      db
        .select(Object.fromEntries(pick(columns)) as Record<string, SQLiteColumn>)
        .from(table as SQLiteTable)
        .where(and(where(scope), after === null ? undefined : behind(after)))
        .orderBy(...keyColumns.map((column) => asc(column)))
        .limit(limit),
  }
}

const times = ['createdAt', 'updatedAt'] as const
const act = [
  'id',
  'actorKind',
  'actorId',
  'action',
  'targetKind',
  'targetId',
  'details',
  'changes',
  'requestId',
  'clientAddress',
  'sessionId',
  'createdAt',
] as const

/** Those of the account itself. */
export const accountSections: readonly AccountSection[] = [
  section('account', accounts, {
    where: ({ accountId }) => eq(accounts.id, accountId),
    key: ['id'],
    columns: ['id', 'name', ...times, 'deletedAt'],
  }),
  section('account_memberships', accountMemberships, {
    where: ({ accountId }) => eq(accountMemberships.accountId, accountId),
    key: ['userId'],
    columns: ['accountId', 'userId', 'role', 'createdAt'],
  }),
  section('users', users, {
    where: ({ accountId }) => eq(users.accountId, accountId),
    key: ['id'],
    columns: [
      'id',
      'accountId',
      'email',
      'emailVerifiedAt',
      'name',
      'firstName',
      'lastName',
      'phone',
      'birthDate',
      'locale',
      'timeZone',
      'defaultOrganizationId',
      ...times,
      'deletedAt',
    ],
  }),
  section('account_audit_log', accountAuditLog, {
    where: ({ accountId }) => eq(accountAuditLog.accountId, accountId),
    key: ['id'],
    columns: ['accountId', ...act],
  }),
  section('organizations', organizations, {
    where: ({ accountId }) => eq(organizations.accountId, accountId),
    key: ['id'],
    columns: [
      'id',
      'accountId',
      'name',
      'retentionDays',
      'quotaRowsPerMinute',
      'quotaBytesPerMinute',
      'quotaRowsPerMonth',
      'quotaBytesPerMonth',
      'requireSecondFactor',
      'auditDays',
      ...times,
      'deletedAt',
    ],
  }),
]

/** Those of each of its organizations. */
export const organizationSections: readonly AccountSection[] = [
  section('memberships', memberships, {
    where: ({ organizationId }) => eq(memberships.organizationId, organizationId),
    key: ['userId'],
    columns: ['organizationId', 'userId', 'role', 'createdAt'],
  }),
  section('invitations', invitations, {
    where: ({ organizationId }) => eq(invitations.organizationId, organizationId),
    key: ['id'],
    columns: ['organizationId', 'id', 'email', 'role', 'invitedBy', ...times, 'expiresAt', 'acceptedAt', 'acceptedBy', 'revokedAt'],
  }),
  section('teams', teams, {
    where: ({ organizationId }) => eq(teams.organizationId, organizationId),
    key: ['id'],
    columns: ['organizationId', 'id', 'name', 'description', ...times, 'deletedAt'],
  }),
  section('team_memberships', teamMemberships, {
    where: ({ organizationId }) => eq(teamMemberships.organizationId, organizationId),
    key: ['teamId', 'userId'],
    columns: ['organizationId', 'teamId', 'userId', 'role', 'createdAt'],
  }),
  section('api_keys', apiKeys, {
    where: ({ organizationId }) => eq(apiKeys.organizationId, organizationId),
    key: ['id'],
    columns: [
      'organizationId',
      'id',
      'name',
      'kind',
      'scopes',
      'hint',
      'createdBy',
      ...times,
      'expiresAt',
      'lastUsedAt',
      'revokedAt',
      'previousEndsAt',
      'rateLimitPerMinute',
    ],
  }),
  section('saved_filters', savedFilters, {
    where: ({ organizationId, requestedBy }) =>
      and(eq(savedFilters.organizationId, organizationId), or(eq(savedFilters.shared, true), eq(savedFilters.userId, requestedBy))),
    key: ['id'],
    columns: ['organizationId', 'id', 'userId', 'name', 'definition', 'shared', ...times],
  }),
  section('dashboards', dashboards, {
    where: ({ organizationId }) => eq(dashboards.organizationId, organizationId),
    key: ['id'],
    columns: ['organizationId', 'id', 'name', 'definition', 'createdBy', ...times],
  }),
  section('alert_rules', alertRules, {
    where: ({ organizationId }) => eq(alertRules.organizationId, organizationId),
    key: ['id'],
    columns: ['organizationId', 'id', 'name', 'enabled', 'version', 'definition', 'createdBy', ...times],
  }),
  section('notification_channels', notificationChannels, {
    where: ({ organizationId }) => eq(notificationChannels.organizationId, organizationId),
    key: ['id'],
    columns: ['organizationId', 'id', 'name', 'kind', 'config', 'createdBy', ...times],
  }),
  section('notification_emails', notificationEmails, {
    where: ({ organizationId }) => eq(notificationEmails.organizationId, organizationId),
    key: ['email'],
    columns: ['organizationId', 'email', 'askedAt', 'confirmedAt', 'createdAt'],
  }),
  section('silences', silences, {
    where: ({ organizationId }) => eq(silences.organizationId, organizationId),
    key: ['id'],
    columns: ['organizationId', 'id', 'ruleId', 'comment', 'startsAt', 'endsAt', 'recurrence', 'createdBy', ...times],
  }),
  section('reports', reports, {
    where: ({ organizationId }) => eq(reports.organizationId, organizationId),
    key: ['id'],
    columns: ['organizationId', 'id', 'name', 'enabled', 'definition', 'createdBy', ...times],
  }),
  section('tasks', tasks, {
    where: ({ organizationId }) => eq(tasks.organizationId, organizationId),
    key: ['id'],
    columns: ['organizationId', 'id', 'kind', 'status', 'params', 'result', 'error', 'createdBy', ...times],
  }),
  section('usage_days', usageDays, {
    where: ({ organizationId }) => eq(usageDays.organizationId, organizationId),
    key: ['day'],
    columns: ['organizationId', 'day', 'receivedRows', 'receivedBytes', 'storedRows', 'storedBytes'],
  }),
  section('audit_log', auditLog, {
    where: ({ organizationId }) => eq(auditLog.organizationId, organizationId),
    key: ['id'],
    columns: ['organizationId', ...act],
  }),
]
