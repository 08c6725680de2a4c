import { eq } from 'drizzle-orm'
import { alertNotifications, alertRules, notificationChannels, notificationEmails, silences } from '../../db/schema_alerts.ts'
import { mailSuppressions, reports } from '../../db/schema_jobs.ts'
import { rowsOf } from './export_me_section.ts'
import type { ExportSection } from './export_me_section.ts'

/**
 * What alerts, reports and mails know of a person. To whom else channels and reports go is not the person's, nor what an organization
 * makes of a rule or a silence once its maker has left: others may have changed it since.
 */
export const jobSections: readonly ExportSection[] = [
  rowsOf('alert_rules', alertRules, {
    where: ({ id }) => eq(alertRules.createdBy, id),
    orderBy: alertRules.id,
    columns: ['organizationId', 'id', 'name', 'enabled', 'createdAt', 'updatedAt'],
    ofMembers: { person: alertRules.createdBy, organization: alertRules.organizationId, columns: ['definition'] },
  }),
  rowsOf('silences', silences, {
    where: ({ id }) => eq(silences.createdBy, id),
    orderBy: silences.id,
    columns: ['organizationId', 'id', 'ruleId', 'startsAt', 'endsAt', 'createdAt', 'updatedAt'],
    ofMembers: { person: silences.createdBy, organization: silences.organizationId, columns: ['comment', 'recurrence'] },
  }),
  rowsOf('notification_channels', notificationChannels, {
    where: ({ id }) => eq(notificationChannels.createdBy, id),
    orderBy: notificationChannels.id,
    columns: ['organizationId', 'id', 'name', 'kind', 'createdAt', 'updatedAt'],
  }),
  rowsOf('reports', reports, {
    where: ({ id }) => eq(reports.createdBy, id),
    orderBy: reports.id,
    columns: ['organizationId', 'id', 'name', 'enabled', 'createdAt', 'updatedAt'],
  }),
  rowsOf('confirmed_addresses', notificationEmails, {
    where: ({ email }) => eq(notificationEmails.email, email),
    orderBy: notificationEmails.organizationId,
    columns: ['organizationId', 'email', 'askedAt', 'confirmedAt', 'createdAt'],
  }),
  rowsOf('alert_notifications', alertNotifications, {
    where: ({ email }) => eq(alertNotifications.recipient, email),
    orderBy: alertNotifications.id,
    columns: ['organizationId', 'id', 'recipient', 'kind', 'status', 'createdAt'],
  }),
  rowsOf('unwanted_mails', mailSuppressions, {
    where: ({ email }) => eq(mailSuppressions.email, email),
    orderBy: mailSuppressions.scope,
    columns: ['email', 'scope', 'reason', 'createdAt'],
  }),
]
