import { lt, lte, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { alertHistoryKeptMs, alertRemovalMsMax, alertRemovalsMax, alertRowsRemoved } from '../core/limits.ts'
import type { BaseCtx } from '../db/context.ts'
import { alertHistory, alertNotifications, silences } from '../db/schema_alerts.ts'

/**
 * Removes what is older than the history of alerts is kept, in slices, as a schedule: what is left is for the next run. Of deleted
 * rules and channels it is the end of what was told, too.
 */
export async function forgetOldAlerts(ctx: BaseCtx): Promise<void> {
  const before = ctx.now() - alertHistoryKeptMs
  const untilMs = ctx.now() + alertRemovalMsMax
  const history = await removeOld(ctx, alertHistory, lt(alertHistory.createdAt, before), untilMs)
  const notifications = await removeOld(ctx, alertNotifications, lt(alertNotifications.createdAt, before), untilMs)
  // No index names their ends: an organization has some hundreds at most.
  const ended = await removeOld(ctx, silences, lte(silences.endsAt, before), untilMs)
  ctx.log.add({ alert_history_removed: history, alert_notifications_removed: notifications, silences_removed: ended })
}

async function removeOld(ctx: BaseCtx, table: SQLiteTable, old: SQL, untilMs: number): Promise<number> {
  let removed = 0
  for (let i = 0; i < alertRemovalsMax; i++) {
    const some = sql`rowid in (select rowid from ${table} where ${old} limit ${alertRowsRemoved})`
    const { changes } = (await ctx.db.delete(table).where(some)).meta
    removed += changes
    if (changes < alertRowsRemoved || ctx.now() >= untilMs) break
  }
  return removed
}
