import { count, desc, eq, sql } from 'drizzle-orm'
import type * as z from 'zod'
import type { TenantCtx } from '../../db/context.ts'
import { listPage, offsetOf } from '../../db/list.ts'
import type { ListPage } from '../../db/list.ts'
import { alertNotifications } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import type { listNotificationsQuery, NotificationJson } from './notification_schema.ts'

/** Without the notice itself, which may be long. */
const shown = {
  id: alertNotifications.id,
  noticeId: sql<string>`${alertNotifications.notice} ->> 'id'`.as('notice_id'),
  kind: alertNotifications.kind,
  channelId: alertNotifications.channelId,
  recipient: alertNotifications.recipient,
  status: alertNotifications.status,
  attempts: alertNotifications.attempts,
  error: alertNotifications.error,
  nextAttemptAt: alertNotifications.nextAttemptAt,
  createdAt: alertNotifications.createdAt,
  updatedAt: alertNotifications.updatedAt,
}

/** One page of what a rule told, or could not tell, the newest first. */
export async function listNotifications(
  ctx: TenantCtx,
  ruleId: string,
  query: z.output<typeof listNotificationsQuery>,
): Promise<ListPage<NotificationJson>> {
  const where = inTenant(
    ctx,
    alertNotifications,
    eq(alertNotifications.ruleId, ruleId),
    query.status === undefined ? undefined : eq(alertNotifications.status, query.status),
    query.channel_id === undefined ? undefined : eq(alertNotifications.channelId, query.channel_id),
  )
  const [totals, rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(alertNotifications).where(where),
    ctx.db
      .select(shown)
      .from(alertNotifications)
      .where(where)
      .orderBy(desc(alertNotifications.id))
      .limit(query.page_size)
      .offset(offsetOf(query)),
  ])
  const results = rows.map((row) => ({
    id: row.id,
    notice_id: row.noticeId,
    kind: row.kind,
    channel_id: row.channelId,
    recipient: row.recipient,
    status: row.status,
    attempts: row.attempts,
    error: row.error,
    next_attempt_at: row.status === 'pending' ? new Date(row.nextAttemptAt).toISOString() : null,
    created_at: new Date(row.createdAt).toISOString(),
    updated_at: new Date(row.updatedAt).toISOString(),
  }))
  return listPage(totals, results)
}
