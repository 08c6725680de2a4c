import { eq, gt, isNull, or } from 'drizzle-orm'
import { silencesPerOrganizationMax } from '../../core/limits.ts'
import type { TenantCtx } from '../../db/context.ts'
import { silences } from '../../db/schema_alerts.ts'
import { inTenant } from '../../db/tenant.ts'
import { holdsAt } from './recurrence.ts'

export type SilenceRow = typeof silences.$inferSelect

/** Condition: it is not over at this moment. Such silences are bounded (`hasRoom`). */
export function isLive(atMs: number) {
  return or(isNull(silences.endsAt), gt(silences.endsAt, atMs))
}

/** The silences of the organization that are not over at this moment, as a statement for a batch: what `isSilenced` decides by. */
export function liveSilences(ctx: TenantCtx, atMs = ctx.now()) {
  return ctx.db
    .select()
    .from(silences)
    .where(inTenant(ctx, silences, isLive(atMs)))
    .limit(silencesPerOrganizationMax)
}

/** Whether one of these silences keeps the rule from being told about at this moment. */
export function isSilenced(rows: readonly SilenceRow[], ruleId: string, atMs: number): boolean {
  return rows.some((row) => (row.ruleId === null || row.ruleId === ruleId) && holdsNow(row, atMs))
}

/** What was found out last of each row: a thousand rules ask for the same moment, and a cron expression takes a tenth of a millisecond. */
const lastAsked = new WeakMap<SilenceRow, { atMs: number; holds: boolean }>()

function holdsNow(row: SilenceRow, atMs: number): boolean {
  const last = lastAsked.get(row)
  if (last?.atMs === atMs) return last.holds
  const holds = holdsAt(row, atMs)
  lastAsked.set(row, { atMs, holds })
  return holds
}

/** Condition: the silence is for this rule alone or for all. */
export function forRule(ruleId: string) {
  return or(isNull(silences.ruleId), eq(silences.ruleId, ruleId))
}
