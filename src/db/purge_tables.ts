import { accountMemberships, apiKeys, damagedSegments, logShards, memberships, sessions, tasks } from './schema.ts'
import { accountAuditLog, auditLog } from './schema_audit.ts'
import {
  alertBudgets,
  alertHistory,
  alertNotifications,
  alertRules,
  notificationChannels,
  notificationEmails,
  silences,
} from './schema_alerts.ts'
import { dashboards, savedFilters } from './schema_content.ts'
import { deadJobs, reportRuns, reports, usageDays } from './schema_jobs.ts'
import {
  emailChanges,
  invitations,
  oneTimeTokens,
  recoveryCodes,
  secondFactors,
  teamMemberships,
  teams,
  userDevices,
} from './schema_identity.ts'

/*
 * What hangs on an organization, a person and an account in D1: the lists that the purge (src/jobs) goes by. A test compares
 * them with the tables that the database has, so that a new table cannot be forgotten.
 */

/** All tables whose rows are one organization's; its people, who may be in others too, are not. */
export const tablesOfOrganization = [
  alertBudgets,
  alertHistory,
  alertNotifications,
  alertRules,
  apiKeys,
  auditLog,
  damagedSegments,
  dashboards,
  deadJobs,
  invitations,
  logShards,
  memberships,
  notificationChannels,
  notificationEmails,
  reportRuns,
  reports,
  savedFilters,
  silences,
  tasks,
  teamMemberships,
  teams,
  usageDays,
] as const

/** All tables whose rows are one person's and go with the person. */
export const tablesOfPerson = [
  accountMemberships,
  emailChanges,
  memberships,
  oneTimeTokens,
  recoveryCodes,
  secondFactors,
  sessions,
  teamMemberships,
  userDevices,
] as const

/** All tables whose rows are one account's, but its organizations and users, which are purged by themselves. */
export const tablesOfAccount = [accountAuditLog, accountMemberships] as const

/**
 * Columns of others' rows that name a person and stay when the person goes: they name nobody from then on. Of saved filters
 * these are the shared ones; invitations that the person accepted go instead.
 */
export const columnsNamingPerson = [
  { table: apiKeys, column: 'createdBy' },
  { table: invitations, column: 'invitedBy' },
  { table: invitations, column: 'acceptedBy' },
  { table: savedFilters, column: 'userId' },
] as const

/**
 * Nobody: the user that such columns name once their person is purged, and the account of that user. Never logs in, is in no
 * list, and is made by the first purge.
 */
export const nobodyId = '00000000-0000-7000-8000-000000000000'
