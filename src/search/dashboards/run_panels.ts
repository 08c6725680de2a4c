import { dashboardMsMax, dashboardPanelsAtOnce, dashboardScanBytesMax } from '../../core/limits.ts'
import { problem, ProblemError } from '../../core/problems.ts'
import { isTemporary } from '../../core/temporary.ts'
import type { TenantCtx } from '../../db/context.ts'
import type { Panel } from '../../features/dashboards/dashboard.ts'
import { queryRun } from '../query_run.ts'
import type { QueryRun } from '../query_run.ts'
import { runPanel } from './run_panel.ts'
import type { PanelResult } from './schema.ts'
import type { Window } from './window.ts'

/** What all panels of one dashboard may cost together. */
export interface DashboardBudget {
  readonly bytesMax: number
  readonly msMax: number
}

const budgetMax: DashboardBudget = { bytesMax: dashboardScanBytesMax, msMax: dashboardMsMax }

/**
 * Runs all panels, `dashboardPanelsAtOnce` at a time, and answers in their order. What a panel fails of is its answer and spoils
 * no other. Each may scan an even part of what those before it left of the budget.
 */
export async function runPanels(ctx: TenantCtx, panels: readonly Panel[], window: Window, budget = budgetMax): Promise<PanelResult[]> {
  const { shards, deps } = await queryRun(ctx)
  const endMs = ctx.now() + budget.msMax
  const results: PanelResult[] = []
  let left = panels.length
  let bytes = 0
  const waiting = panels.entries()
  const worker = async () => {
    // The workers share one iterator, so each panel runs once.
    for (const [i, panel] of waiting) {
      const bytesMax = Math.floor((budget.bytesMax - bytes) / left)
      const limits = { ...deps.limits, bytesMax: Math.min(deps.limits.bytesMax, bytesMax) }
      const result = await panelResult(ctx, panel, window, { shards, deps: { ...deps, endMs, limits } })
      bytes += result.stats?.bytes_decompressed ?? 0
      left--
      results[i] = result
    }
  }
  await Promise.all(Array.from({ length: Math.min(dashboardPanelsAtOnce, panels.length) }, worker))
  return results
}

async function panelResult(ctx: TenantCtx, panel: Panel, window: Window, run: QueryRun): Promise<PanelResult> {
  const { id, kind } = panel
  try {
    const { deps } = run
    if (deps.limits.bytesMax <= 0 || deps.now() >= deps.endMs)
      throw problem(
        'unprocessable',
        'The panels before this one used up what one dashboard may cost. Narrow the time, or split the dashboard.',
      )
    const { data, partial, damaged, stats } = await runPanel(ctx, panel, window, run)
    return { id, kind, status: partial ? 'partial' : 'ok', data, error: null, damaged, stats }
  } catch (error) {
    return { id, kind, status: 'error', data: null, error: errorOf(ctx, error), stats: null }
  }
}

/** As a search alone would have failed of it; what is not expected is logged whole and shown as its request's id. */
function errorOf({ log, requestId }: TenantCtx, error: unknown): NonNullable<PanelResult['error']> {
  if (error instanceof ProblemError) return { code: error.code, detail: error.detail }
  if (isTemporary(error)) {
    log.error('unavailable', error)
    return { code: 'unavailable', detail: 'A storage behind this panel did not answer. Try again shortly.' }
  }
  log.error('unexpected error', error)
  return { code: 'internal_error', detail: `Something went wrong on our side. Quote ${requestId} to support.` }
}

/** Whether the same question may well get a better answer in a moment. */
export function mayPass({ error }: PanelResult): boolean {
  return error?.code === 'unavailable' || error?.code === 'internal_error' || error?.code === 'damaged_block'
}
