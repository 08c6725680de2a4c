import * as z from 'zod'
import {
  attributeNameBytesMax,
  dashboardColumns,
  dashboardDescriptionCharsMax,
  dashboardPanelRowsMax,
  dashboardPanelsMax,
  dashboardRowsMax,
  facetValuesMax,
  logColumnsMax,
  nameCharsMax,
  panelIdCharsMax,
  panelLogsMax,
  panelRowsMax,
  panelSeriesMax,
  queryBytesMax,
  statsByMax,
  statsFunctionsMax,
  timeBoundCharsMax,
} from '../../core/limits.ts'
import {
  checkedText,
  intervalSchema,
  lineSchema,
  nameSchema,
  pageQuery,
  pageSchema,
  patchOf,
  timestampSchema,
  uuidSchema,
} from '../../core/primitives.ts'
import type { QueryChecks } from '../../core/query_checks.ts'

type PanelChecks = Omit<QueryChecks, 'listFilter' | 'timeRange'>
const noFault = () => undefined
/** What was stored once is shown, whatever the query language has become since. */
const unchecked: PanelChecks = { query: noFault, stats: noFault, statsOrdering: noFault, timeBound: noFault }

const whole = (min: number, max: number) => z.int().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`)
const fieldName = z.string().min(1, 'must not be empty').max(attributeNameBytesMax)
const groups = z.array(fieldName).max(statsByMax)
const functionsText = 'Functions with commas, as GET /logs/stats takes them: count(), avg(duration), p99(duration)'

const layout = z
  .strictObject({
    x: whole(0, dashboardColumns - 1),
    y: whole(0, dashboardRowsMax - 1),
    w: whole(1, dashboardColumns),
    h: whole(1, dashboardPanelRowsMax),
  })
  .refine(({ x, w }) => x + w <= dashboardColumns, `must end within ${dashboardColumns} columns`)
  .meta({ description: `Place and size on a grid of ${dashboardColumns} columns` })

/** What panels of all kinds have. */
function commonShape({ query }: PanelChecks) {
  return {
    id: z
      .string()
      .regex(/^[\w-]+$/, 'must be of letters, digits, - and _')
      .max(panelIdCharsMax),
    title: lineSchema(nameCharsMax),
    q: checkedText(queryBytesMax, query).default('').meta({ description: 'Filter in the query language; empty for all logs' }),
    layout,
  }
}

/** The kinds that show statistics. */
function statsPanels(checks: PanelChecks) {
  const common = commonShape(checks)
  const stats = (functionsMax: number) => checkedText(queryBytesMax, (text) => checks.stats(text, functionsMax))
  const timeSeries = z
    .strictObject({
      ...common,
      kind: z.literal('time_series'),
      stats: stats(statsFunctionsMax)
        .nullable()
        .default(null)
        .meta({ description: `${functionsText}; null counts logs by severity` }),
      by: groups.default([]).meta({ description: 'Fields that make a line of their own for each value' }),
      interval: intervalSchema.nullable().default(null).meta({ description: 'Length of time buckets; null for about sixty' }),
      limit: whole(1, panelSeriesMax).default(10).meta({ description: 'How many lines' }),
    })
    .refine(({ stats, by }) => stats !== null || by.length === 0, { message: 'needs stats', path: ['by'] })
  const table = z
    .strictObject({
      ...common,
      kind: z.literal('table'),
      stats: stats(statsFunctionsMax).default('count()').meta({ description: functionsText }),
      by: groups.min(1, 'must name at least one field'),
      ordering: z
        .string()
        .max(queryBytesMax)
        .nullable()
        .default(null)
        .meta({ description: 'One of the functions, - in front for descending' }),
      limit: whole(1, panelRowsMax).default(50),
    })
    .check(({ value, issues }) => {
      const fault = value.ordering === null ? undefined : checks.statsOrdering(value.stats, value.ordering)
      if (fault !== undefined) issues.push({ code: 'custom', message: fault, input: value, path: ['ordering'] })
    })
  const number = z.strictObject({
    ...common,
    kind: z.literal('number'),
    stats: stats(1).default('count()').meta({ description: 'One function, such as count() or p99(duration)' }),
  })
  return { timeSeries, table, number }
}

function panelShape(checks: PanelChecks) {
  const common = commonShape(checks)
  const { timeSeries, table, number } = statsPanels(checks)
  const topValues = z.strictObject({
    ...common,
    kind: z.literal('top_values'),
    field: fieldName,
    limit: whole(1, facetValuesMax).default(10),
  })
  const logList = z.strictObject({
    ...common,
    kind: z.literal('log_list'),
    columns: z.array(fieldName).max(logColumnsMax).default([]).meta({ description: 'Fields that are shown; none for the usual ones' }),
    order: z.enum(['newest', 'oldest']).default('newest'),
    limit: whole(1, panelLogsMax).default(20),
  })
  return z.discriminatedUnion('kind', [timeSeries, table, topValues, number, logList])
}

function definitionShape(checks: PanelChecks) {
  const bound = checkedText(timeBoundCharsMax, checks.timeBound).min(1, 'must not be empty')
  return z.strictObject({
    description: z.union([z.literal(''), lineSchema(dashboardDescriptionCharsMax)]).default(''),
    from: bound
      .default('now-1h')
      .meta({ description: 'Time range that is shown first: relative such as now-1h, RFC 3339, a date or epoch' }),
    to: bound.default('now'),
    panels: z.array(panelShape(checks)).max(dashboardPanelsMax).default([]),
  })
}

const storedDefinition = definitionShape(unchecked)
export type DashboardDefinition = z.output<typeof storedDefinition>
type Panel = DashboardDefinition['panels'][number]

/** Bodies of writes. Their queries are read by what src/routes.ts gives as `checks`. */
export function dashboardBodies(checks: QueryChecks) {
  const definition = definitionShape(checks).check(({ value, issues }) => {
    const add = (path: (string | number)[], message: string) => issues.push({ code: 'custom', message, input: value, path })
    const fault = checks.timeRange(value.from, value.to)
    if (fault !== undefined) add(['from'], fault)
    for (const [i, panel] of value.panels.entries()) {
      const before = value.panels.slice(0, i)
      if (before.some(({ id }) => id === panel.id)) add(['panels', i, 'id'], 'must be another than those of the panels before')
      const below = before.find((other) => overlap(other.layout, panel.layout))
      if (below !== undefined) add(['panels', i, 'layout'], `must not lie on the panel ${below.id}`)
    }
  })
  const create = z.strictObject({ name: nameSchema, definition })
  const update = patchOf(create.shape)
  return { create, update }
}

function overlap(a: Panel['layout'], b: Panel['layout']): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

export type CreateDashboard = z.output<ReturnType<typeof dashboardBodies>['create']>
export type UpdateDashboard = z.output<ReturnType<typeof dashboardBodies>['update']>

const head = {
  id: z.string(),
  name: z.string(),
  created_by: z.string().meta({ description: 'The person or API key that made it' }),
  created_at: timestampSchema,
  updated_at: timestampSchema,
}

export const dashboardSchema = z.object({ ...head, definition: storedDefinition })
export type DashboardJson = z.output<typeof dashboardSchema>

export const dashboardParam = z.object({ id: uuidSchema })

const orderings = ['name', '-name', 'created_at', '-created_at', 'updated_at', '-updated_at'] as const

export const listDashboardsQuery = z.strictObject({
  ...pageQuery,
  ordering: z.enum(orderings).default('name'),
  search: lineSchema(nameCharsMax).optional().meta({ description: 'Part of the name, without case for ASCII letters' }),
})

const listedDashboardSchema = z.object({ ...head, description: z.string(), panel_count: z.int() })
export type ListedDashboard = z.output<typeof listedDashboardSchema>
export const dashboardPageSchema = pageSchema(listedDashboardSchema)
