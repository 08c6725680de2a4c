import { damagedMax, damageReportedMax, damageReportMs } from '../core/limits.ts'
import type { TenantCtx } from '../db/context.ts'
import { recordDamage } from '../db/damaged_segments.ts'
import type { Damage } from '../engine/query/types.ts'

/** When this isolate last reported a part, by tenant and name: every query that meets it would report it again. */
const reported = new Map<string, number>()

/** What an answer says of how whole it is. Damage is also logged, and recorded for the health check. */
export function wholenessOf(
  ctx: TenantCtx,
  { budgetEnded, damaged }: { budgetEnded: boolean; damaged: readonly Damage[] },
): { partial: boolean; damaged?: Damage[] } {
  if (damaged.length === 0) return { partial: budgetEnded }
  reportDamage(ctx, damaged)
  return { partial: true, damaged: damaged.slice(0, damagedMax) }
}

/** Logs parts that cannot be read, and records them for the health check behind the answer: each at most once in `damageReportMs`. */
export function reportDamage(ctx: TenantCtx, damaged: readonly Damage[]): void {
  const { organizationId } = ctx.tenant
  const nowMs = ctx.now()
  const fresh = damaged.filter(({ segment }) => nowMs - (reported.get(`${organizationId} ${segment}`) ?? -Infinity) >= damageReportMs)
  if (fresh.length === 0) return
  if (reported.size >= damageReportedMax) reported.clear()
  for (const { segment } of fresh) reported.set(`${organizationId} ${segment}`, nowMs)
  for (const { segment, reason } of fresh) ctx.log.error('damaged segment', new Error(reason), { organization_id: organizationId, segment })
  ctx.waitUntil(recordDamage(ctx, organizationId, fresh))
}
