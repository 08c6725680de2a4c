import type { TenantCtx } from '../../db/context.ts'
import type { Panel } from '../../features/dashboards/dashboard.ts'
import { facetsOfLogs } from '../facets.ts'
import { histogramOfLogs } from '../histogram.ts'
import type { QueryRun } from '../query_run.ts'
import { searchLogs } from '../search.ts'
import { statsOfLogs } from '../stats_of_logs.ts'
import { autoInterval } from '../time_buckets.ts'
import type { PanelData, PanelResult } from './schema.ts'
import type { Window } from './window.ts'

/** What every answer of a search ends with. */
interface Foot {
  readonly partial: boolean
  readonly damaged?: PanelResult['damaged']
  readonly stats: NonNullable<PanelResult['stats']>
}

/** The answer of one panel; throws the problem that its query meets. */
export async function runPanel(ctx: TenantCtx, panel: Panel, window: Window, run: QueryRun): Promise<{ data: PanelData } & Foot> {
  const { from, to } = window
  const asked = { q: panel.q, from, to }
  switch (panel.kind) {
    case 'time_series': {
      const interval = panel.interval ?? undefined
      if (panel.stats === null) return parted(await histogramOfLogs(ctx, { ...asked, interval }, run))
      const { stats, by, limit } = panel
      const buckets = interval ?? `${autoInterval(window.range)}ms`
      return parted(await statsOfLogs(ctx, { ...asked, stats, by, interval: buckets, limit }, run))
    }
    case 'table': {
      const { stats, by, limit, ordering } = panel
      return parted(await statsOfLogs(ctx, { ...asked, stats, by, ordering: ordering ?? undefined, limit }, run))
    }
    case 'top_values': {
      const { data, ...foot } = parted(await facetsOfLogs(ctx, { ...asked, fields: [panel.field], limit: panel.limit }, run))
      return { data: data.facets[0]!, ...foot }
    }
    case 'number': {
      const { data, ...foot } = parted(await statsOfLogs(ctx, { ...asked, stats: panel.stats, by: [], limit: 1 }, run))
      // Without groups there is always one, even of no logs.
      return { data: { ...data.functions[0]!, value: data.groups[0]!.values[0] }, ...foot }
    }
    case 'log_list': {
      const { columns, order, limit } = panel
      const { data, ...foot } = parted(await searchLogs(ctx, { ...asked, order, limit }, run))
      return { data: { columns, results: data.results }, ...foot }
    }
  }
}

function parted<T extends Foot>({ partial, damaged, stats, ...data }: T): { data: Omit<T, keyof Foot> } & Foot {
  return { data, partial, stats, ...(damaged !== undefined && { damaged }) }
}
