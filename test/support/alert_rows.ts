import {
  alertBudgets,
  alertHistory,
  alertNotifications,
  alertRules,
  notificationChannels,
  notificationEmails,
  silences,
} from '../../src/db/schema_alerts.ts'
import { deadJobs, mailSuppressions, reportRuns, reports, usageDays } from '../../src/db/schema_jobs.ts'
import { alertBodies } from '../../src/features/alerts/schema.ts'
import { queryChecks } from '../../src/search/query_checks.ts'
import { testCtx } from './world.ts'
import type { Person, World } from './world.ts'

const bodies = alertBodies(queryChecks)

/** A whole definition of a rule from some of its fields. */
export function definitionOf(some: object = {}) {
  return bodies.create.shape.definition.parse({ threshold: 10, ...some })
}

/** One row in every table of alerts, reports and jobs of the organization, naming the person wherever one is named. */
export async function fillJobTables({ organizationId }: Pick<World, 'organizationId'>, { userId, email }: Person): Promise<void> {
  const { db, newId, now } = testCtx()
  const at = now()
  const times = { createdAt: at, updatedAt: at }
  const [ruleId, channelId] = [newId(), newId()]
  const made = { organizationId, createdBy: userId, ...times }
  const others = 'others@example.com'
  const rule = { name: 'Errors', enabled: true, intervalSeconds: 60, delaySeconds: 0, version: 1, definition: definitionOf() }
  const notice = { ruleId, channelId, kind: 'firing', status: 'sent', nextAttemptAt: at, notice: {} } as const
  await db.batch([
    db.insert(alertRules).values({ ...made, ...rule, id: ruleId }),
    db
      .insert(alertHistory)
      .values({ organizationId, ruleId, id: newId(), at, group: {}, fromState: 'inactive', toState: 'firing', createdAt: at }),
    db.insert(alertBudgets).values({ organizationId, hour: 1, history: 1, notices: 1 }).onConflictDoNothing(),
    db.insert(silences).values({ ...made, id: newId(), comment: 'Deployment', startsAt: at, endsAt: at + 1 }),
    db.insert(notificationChannels).values({ ...made, id: channelId, name: 'Mail', kind: 'email', config: { to: [email, others, email] } }),
    db
      .insert(notificationEmails)
      .values({ organizationId, email, tokenHash: newId(), askedAt: at, confirmedAt: at, createdAt: at })
      .onConflictDoNothing(),
    db.insert(alertNotifications).values({ organizationId, ...notice, ...times, id: newId(), recipient: email }),
    db.insert(reports).values({ ...made, id: newId(), name: 'Weekly', enabled: true, definition: { q: '', to_emails: [others, email] } }),
    db.insert(reportRuns).values({
      organizationId,
      reportId: newId(),
      dueAt: at,
      leaseUntil: null,
      asked: true,
      requestId: 'r',
      createdAt: at,
      keptUntil: at,
    }),
    db.insert(mailSuppressions).values({ email, scope: 'alerts', reason: 'unsubscribe', createdAt: at }).onConflictDoNothing(),
    db.insert(deadJobs).values({
      id: newId(),
      queue: 'alert-jobs',
      messageId: newId(),
      body: '{}',
      reason: 'x',
      attempts: 1,
      organizationId,
      createdAt: at,
    }),
    db
      .insert(usageDays)
      .values({ organizationId, day: '2026-01-01', receivedRows: 1, receivedBytes: 1, storedRows: 1, storedBytes: 1, updatedAt: at })
      .onConflictDoNothing(),
  ])
}
