import type * as z from 'zod'
import { requirePermission } from '../../db/actor_may.ts'
import type { TenantCtx } from '../../db/context.ts'
import type { ListPage } from '../../db/list.ts'
import { listNotifications } from '../notification-channels/list_notifications.ts'
import type { listNotificationsQuery, NotificationJson } from '../notification-channels/notification_schema.ts'
import { requireLogs } from './require_logs.ts'
import { findRule } from './rule.ts'

/** What a rule told; names channels and addresses, which not everybody may see who may see rules. */
export async function alertNotificationsOf(
  ctx: TenantCtx,
  ruleId: string,
  query: z.output<typeof listNotificationsQuery>,
): Promise<ListPage<NotificationJson>> {
  requirePermission(ctx, 'channels:read', 'Seeing notifications')
  requireLogs(ctx, 'Showing what a rule told')
  const [page] = await Promise.all([listNotifications(ctx, ruleId, query), findRule(ctx, ruleId)])
  return page
}
