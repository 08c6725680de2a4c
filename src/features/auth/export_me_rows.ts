import { and, asc, eq, gt, ne, or, sql } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { accountMemberships, accounts, apiKeys, memberships, organizations, sessions, tasks, users } from '../../db/schema.ts'
import { accountAuditLog, auditLog } from '../../db/schema_audit.ts'
import { dashboards, mails, savedFilters } from '../../db/schema_content.ts'
import {
  emailChanges,
  invitations,
  oneTimeTokens,
  preRegistrations,
  recoveryCodes,
  secondFactors,
  teamMemberships,
  teams,
  userDevices,
} from '../../db/schema_identity.ts'
import { jobSections } from './export_me_jobs.ts'
import { pick, rowsOf } from './export_me_section.ts'
import type { Conditions, ExportSection } from './export_me_section.ts'

/** Entries of an audit log. There may be many, so that each page starts at the id where the last one ended. */
function entriesOf<T extends typeof auditLog | typeof accountAuditLog>(
  name: string,
  table: T,
  where: Conditions,
  columns: readonly (keyof T['_']['columns'] & string)[],
): ExportSection {
  const picked = pick(table as SQLiteTable, ['id', ...columns])
  return {
    name,
    page: ({ db, user }, { limit, last }) =>
      db
        .select({ ...picked, ...toldOf(table, user.id) })
        .from(table as SQLiteTable)
        .where(and(where(user), last === undefined ? undefined : gt(table.id, String(last['id']))))
        .orderBy(asc(table.id))
        .limit(limit),
  }
}

/** What an act says of anybody but the person is not the person's: profiles of others, whom they invited, and the like. */
function toldOf(table: typeof auditLog | typeof accountAuditLog, id: string) {
  const told = (column: SQLiteColumn) =>
    sql<Record<string, unknown> | null>`case when ${aboutPerson(table, id)} then ${column} end`.mapWith(
      (json: string) => JSON.parse(json) as Record<string, unknown>,
    )
  return { details: told(table.details), changes: told(table.changes) }
}

// Literals, so that the partial indexes of the audit logs are used.
const byPerson = (table: typeof auditLog | typeof accountAuditLog, id: string) =>
  and(sql`${table.actorKind} = 'user'`, eq(table.actorId, id))
const aboutPerson = (table: typeof auditLog | typeof accountAuditLog, id: string) =>
  and(sql`${table.targetKind} = 'user'`, eq(table.targetId, id))
const byOthers = (table: typeof auditLog | typeof accountAuditLog, id: string) =>
  and(aboutPerson(table, id), or(ne(table.actorId, id), sql`${table.actorId} is null`))

// Beside details and changes.
const act = ['action', 'targetKind', 'targetId', 'createdAt', 'requestId', 'sessionId', 'clientAddress'] as const
/** Where others were when they acted is theirs. */
const actOfOthers = ['action', 'actorKind', 'createdAt'] as const

/** All sections in the order of the file; `export_me_columns.ts` says which column each of them answers for. */
export const exportSections: readonly ExportSection[] = [
  rowsOf('profile', users, {
    where: ({ id }) => eq(users.id, id),
    orderBy: users.id,
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
      'notificationPreferences',
      'defaultOrganizationId',
      'isStaff',
      'passwordChangedAt',
      'createdAt',
      'updatedAt',
    ],
  }),
  {
    name: 'accounts',
    page: ({ db, user }, { limit, offset }) =>
      db
        .select({ accountId: accounts.id, name: accounts.name, role: accountMemberships.role, createdAt: accountMemberships.createdAt })
        .from(accountMemberships)
        .innerJoin(accounts, eq(accounts.id, accountMemberships.accountId))
        .where(eq(accountMemberships.userId, user.id))
        .orderBy(asc(accounts.id))
        .limit(limit)
        .offset(offset),
  },
  {
    name: 'memberships',
    page: ({ db, user }, { limit, offset }) =>
      db
        .select({ organizationId: organizations.id, name: organizations.name, role: memberships.role, createdAt: memberships.createdAt })
        .from(memberships)
        .innerJoin(organizations, eq(organizations.id, memberships.organizationId))
        .where(eq(memberships.userId, user.id))
        .orderBy(asc(organizations.id))
        .limit(limit)
        .offset(offset),
  },
  {
    name: 'teams',
    page: ({ db, user }, { limit, offset }) =>
      db
        .select({
          organizationId: teamMemberships.organizationId,
          teamId: teams.id,
          name: teams.name,
          role: teamMemberships.role,
          createdAt: teamMemberships.createdAt,
        })
        .from(teamMemberships)
        .innerJoin(teams, and(eq(teams.organizationId, teamMemberships.organizationId), eq(teams.id, teamMemberships.teamId)))
        .where(eq(teamMemberships.userId, user.id))
        .orderBy(asc(teams.id))
        .limit(limit)
        .offset(offset),
  },
  rowsOf('sessions', sessions, {
    where: ({ id }) => eq(sessions.userId, id),
    orderBy: sessions.id,
    columns: [
      'id',
      'userAgent',
      'clientAddress',
      'country',
      'city',
      'createdAt',
      'lastSeenAt',
      'passwordProvedAt',
      'secondFactorAt',
      'expiresAt',
      'revokedAt',
    ],
  }),
  rowsOf('devices', userDevices, {
    where: ({ id }) => eq(userDevices.userId, id),
    orderBy: userDevices.fingerprint,
    columns: ['createdAt', 'lastSeenAt'],
  }),
  rowsOf('second_factor', secondFactors, {
    where: ({ id }) => eq(secondFactors.userId, id),
    orderBy: secondFactors.userId,
    columns: ['createdAt', 'confirmedAt'],
  }),
  rowsOf('recovery_codes', recoveryCodes, {
    where: ({ id }) => eq(recoveryCodes.userId, id),
    orderBy: recoveryCodes.codeHash,
    columns: ['createdAt', 'usedAt'],
  }),
  rowsOf('email_change', emailChanges, {
    where: ({ id }) => eq(emailChanges.userId, id),
    orderBy: emailChanges.userId,
    columns: ['newEmail', 'oldConfirmedAt', 'newConfirmedAt', 'createdAt', 'expiresAt'],
  }),
  rowsOf('single_use_tokens', oneTimeTokens, {
    where: ({ id }) => eq(oneTimeTokens.userId, id),
    orderBy: oneTimeTokens.tokenHash,
    columns: ['kind', 'createdAt', 'expiresAt', 'usedAt'],
  }),
  rowsOf('api_keys', apiKeys, {
    where: ({ id }) => eq(apiKeys.createdBy, id),
    orderBy: apiKeys.id,
    columns: ['organizationId', 'id', 'name', 'kind', 'scopes', 'hint', 'createdAt', 'expiresAt', 'lastUsedAt', 'revokedAt'],
  }),
  rowsOf('tasks', tasks, {
    where: ({ id }) => eq(tasks.createdBy, id),
    orderBy: tasks.id,
    columns: ['organizationId', 'id', 'kind', 'status', 'params', 'createdAt', 'updatedAt'],
  }),
  rowsOf('saved_filters', savedFilters, {
    where: ({ id }) => eq(savedFilters.userId, id),
    orderBy: savedFilters.id,
    columns: ['organizationId', 'id', 'name', 'definition', 'shared', 'createdAt', 'updatedAt'],
  }),
  rowsOf('dashboards', dashboards, {
    where: ({ id }) => eq(dashboards.createdBy, id),
    orderBy: dashboards.id,
    columns: ['organizationId', 'id', 'name', 'createdAt', 'updatedAt'],
    ofMembers: { person: dashboards.createdBy, organization: dashboards.organizationId, columns: ['definition'] },
  }),
  ...jobSections,
  rowsOf('invitations_sent', invitations, {
    where: ({ id }) => eq(invitations.invitedBy, id),
    orderBy: invitations.id,
    // Whom the person invited is not the person's own data.
    columns: ['organizationId', 'id', 'role', 'createdAt', 'expiresAt', 'acceptedAt', 'revokedAt'],
  }),
  rowsOf('invitations_received', invitations, {
    where: ({ id, email }) => or(eq(invitations.email, email), eq(invitations.acceptedBy, id)),
    orderBy: invitations.id,
    columns: ['organizationId', 'id', 'email', 'role', 'createdAt', 'expiresAt', 'acceptedAt', 'revokedAt'],
  }),
  rowsOf('mails', mails, {
    where: ({ email }) => eq(mails.recipient, email),
    orderBy: mails.id,
    columns: ['kind', 'recipient', 'status', 'createdAt'],
  }),
  rowsOf('pre_registration', preRegistrations, {
    where: ({ email }) => eq(preRegistrations.email, email),
    orderBy: preRegistrations.email,
    columns: ['email', 'createdAt'],
  }),
  entriesOf('acts_in_organizations', auditLog, ({ id }) => byPerson(auditLog, id), ['organizationId', ...act]),
  entriesOf('acts_in_accounts', accountAuditLog, ({ id }) => byPerson(accountAuditLog, id), ['accountId', ...act]),
  entriesOf('acts_of_others_in_organizations', auditLog, ({ id }) => byOthers(auditLog, id), ['organizationId', ...actOfOthers]),
  entriesOf('acts_of_others_in_accounts', accountAuditLog, ({ id }) => byOthers(accountAuditLog, id), ['accountId', ...actOfOthers]),
]
