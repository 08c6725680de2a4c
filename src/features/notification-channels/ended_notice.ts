import { sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { alertNotifications } from '../../db/schema_alerts.ts'

/**
 * What is kept of a notice once its row has ended, for the update that ends it: a retention or an erasure does not reach it, so that
 * logs go at once. Values of groups stay with one that failed, which people may send again, and go with one that was sent.
 * `status` is what the row becomes, as a value or an expression.
 */
export function endedNotice(status: 'sent' | 'failed' | SQL): SQL {
  const { notice } = alertNotifications
  const withoutLogs = sql`json_set(${notice}, '$.logs', json('[]'))`
  const withoutBoth = sql`json_set(${notice}, '$.logs', json('[]'), '$.groups', json('[]'))`
  if (status === 'failed') return withoutLogs
  return status === 'sent' ? withoutBoth : sql`case ${status} when 'sent' then ${withoutBoth} else ${withoutLogs} end`
}
