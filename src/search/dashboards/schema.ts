import * as z from 'zod'
import { logSchema } from '../../core/log_schema.ts'
import { timestampSchema, uuidSchema } from '../../core/primitives.ts'
import { statsReply } from '../analytics_schema.ts'
import { damaged, facetsReply, from, histogramReply, statsSchema, to } from '../schema.ts'

export const dashboardDataParam = z.object({ id: uuidSchema })

export const dashboardDataQuery = z.strictObject({
  from: from.min(1, 'must not be empty').optional(),
  to: to.min(1, 'must not be empty').optional(),
})
export type DashboardDataInput = z.output<typeof dashboardDataQuery>

const foot = { partial: true, damaged: true, stats: true } as const
const statsData = statsReply.omit(foot)

/** What each kind of panel shows; the answers of GET /logs/histogram, /stats, /facets and /search, without how they came about. */
const panelData = {
  histogram: histogramReply.omit(foot),
  stats: statsData,
  top_values: facetsReply.shape.facets.element,
  number: z.object({ ...statsData.shape.functions.element.shape, value: statsData.shape.groups.element.shape.values.element }),
  log_list: z.object({ columns: z.array(z.string()), results: z.array(logSchema) }),
}

const panelResult = z.object({
  id: z.string(),
  kind: z.string(),
  status: z
    .enum(['ok', 'partial', 'error'])
    .meta({ description: 'partial: the budget ended before all was seen, or something stored is damaged' }),
  data: z
    .union([panelData.histogram, panelData.stats, panelData.top_values, panelData.number, panelData.log_list])
    .nullable()
    .meta({ description: 'A time series is a histogram, or statistics with buckets where the panel has `stats`; null after an error' }),
  error: z.object({ code: z.string(), detail: z.string() }).nullable(),
  damaged,
  stats: statsSchema.nullable(),
})
export type PanelResult = z.input<typeof panelResult>
export type PanelData = NonNullable<PanelResult['data']>

export const dashboardDataReply = z.object({
  dashboard_id: z.string(),
  updated_at: timestampSchema.meta({ description: 'Which version of the dashboard this is' }),
  from: z.string().meta({ description: 'First moment that is included' }),
  to: z.string().meta({ description: 'First moment that is not' }),
  generated_at: timestampSchema.meta({
    description: 'When its queries began: some seconds ago for an answer that somebody else asked for too',
  }),
  panels: z.array(panelResult),
})
export type DashboardData = z.input<typeof dashboardDataReply>
