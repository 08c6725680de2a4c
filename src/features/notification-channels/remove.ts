import { and, eq, sql } from 'drizzle-orm'
import { problem } from '../../core/problems.ts'
import { auditEntry } from '../../db/audit.ts'
import type { TenantCtx } from '../../db/context.ts'
import { alertNotifications, notificationChannels } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import { rulesUsing, ruleUsing } from '../alerts/channel_uses.ts'
import type { IsWanted } from './channel.ts'
import { changedMeanwhile, findChannel, ownChannels, requireVersion } from './channel.ts'

/**
 * Deletes a channel for ever; notices that wait for it fail. Throws `conflict` while rules name it, and `precondition_failed` when the
 * present version is not wanted.
 */
export async function deleteChannel(ctx: TenantCtx, id: string, isWanted: IsWanted): Promise<void> {
  const before = await findChannel(ctx, id)
  requireVersion(before, isWanted)
  const now = ctx.now()
  const where = ownChannels(
    ctx,
    eq(notificationChannels.id, id),
    eq(notificationChannels.updatedAt, before.updatedAt),
    sql`not ${ruleUsing(ctx, id)}`,
  )
  const { name, kind, config } = before
  const entry = { action: 'notification_channel.delete', target: { kind: 'notification_channel', id }, details: { name, kind, ...config } }
  const isGone = sql`not exists (select 1 from ${notificationChannels} where ${ownChannels(ctx, eq(notificationChannels.id, id))})`
  const waiting = inTenant(ctx, alertNotifications, eq(alertNotifications.channelId, id), eq(alertNotifications.status, 'pending'))
  const [, rows] = await ctx.db.batch([
    auditEntry(ctx, entry, notificationChannels, where),
    ctx.db.delete(notificationChannels).where(where).returning({ id: notificationChannels.id }),
    ctx.db.update(alertNotifications).set({ status: 'failed', error: channelGone, updatedAt: now }).where(and(waiting, isGone)),
  ])
  if (rows.length > 0) return
  requireVersion(await findChannel(ctx, id), isWanted)
  const rules = await rulesUsing(ctx, id)
  if (rules.length === 0) throw changedMeanwhile()
  const names = rules.map((rule) => `"${rule.name}"`).join(', ')
  throw problem('conflict', `Alert rules name the channel: ${names}. Take it out of them first.`, {
    details: { rule_ids: rules.map((rule) => rule.id) },
  })
}

/** Why a notice of a deleted channel failed. */
export const channelGone = 'The channel was deleted.'
