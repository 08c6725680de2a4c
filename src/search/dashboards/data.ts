import { dashboardCacheCharsMax, dashboardCacheEntriesMax, dashboardCacheMs } from '../../core/limits.ts'
import { requirePermission } from '../../db/actor_may.ts'
import type { TenantCtx } from '../../db/context.ts'
import { findDashboard } from '../../features/dashboards/dashboard.ts'
import type { DashboardRow } from '../../features/dashboards/dashboard.ts'
import { createAnswerCache } from './answer_cache.ts'
import type { Made } from './answer_cache.ts'
import { mayPass, runPanels } from './run_panels.ts'
import type { DashboardData, DashboardDataInput } from './schema.ts'
import { windowOf } from './window.ts'
import type { Window } from './window.ts'

const answers = createAnswerCache<DashboardData>({
  keepMs: dashboardCacheMs,
  entriesMax: dashboardCacheEntriesMax,
  charsMax: dashboardCacheCharsMax,
})

/**
 * What all panels of a dashboard show for a range of time, its own one unless another is given. Rights and the dashboard itself
 * are looked at each time; the logs at most `dashboardCacheMs` ago, so that erasures and a shorter retention show that late.
 */
export async function dashboardData(ctx: TenantCtx, id: string, asked: DashboardDataInput): Promise<DashboardData> {
  requirePermission(ctx, 'logs:read', 'Showing what the panels find')
  const dashboard = await findDashboard(ctx, id)
  const { definition, updatedAt } = dashboard
  const window = windowOf(asked.from ?? definition.from, asked.to ?? definition.to, ctx.now(), dashboardCacheMs)
  const { fromMs, toMs } = window.range
  const key = [ctx.tenant.organizationId, id, updatedAt, fromMs, toMs].join(' ')
  return answers.get(key, ctx.now(), () => {
    const made = makeAnswer(ctx, dashboard, window)
    // Others may wait for it when the client of this request has gone.
    ctx.waitUntil(made)
    return made
  })
}

async function makeAnswer(ctx: TenantCtx, { id, definition, updatedAt }: DashboardRow, window: Window): Promise<Made<DashboardData>> {
  const generatedAt = new Date(ctx.now()).toISOString()
  const panels = await runPanels(ctx, definition.panels, window)
  const answer = {
    dashboard_id: id,
    updated_at: new Date(updatedAt).toISOString(),
    from: window.from,
    to: window.to,
    generated_at: generatedAt,
    panels,
  }
  return { answer, chars: JSON.stringify(answer).length, mayKeep: !panels.some(mayPass) }
}
