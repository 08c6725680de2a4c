import * as z from 'zod'
import { sentLogs } from './chapter_logs.ts'
import type { Call } from './tour.ts'
import { at, page } from './world.ts'
import type { World } from './world.ts'

/** A filter for everybody, and a dashboard with its data. */
export async function filtersAndDashboards(world: World): Promise<void> {
  const { tour, admin, viewer } = world
  tour.chapter('Saved filters and dashboards')
  const definition = { q: 'level:>=error', from: 'now-1h', to: 'now', columns: ['order_id', 'message'] }
  const filter = z.object({ id: z.string(), name: z.string(), shared: z.boolean() })
  const create: Call = { request: 'POST /saved-filters', by: at(world, admin), json: { name: 'Failures', definition, shared: true } }
  const { id } = await tour.step('The admin keeps a filter and shares it.', create, { status: 201, reply: filter })
  const wrong = { ...create, json: { name: 'Broken', definition: { q: '(level:error' } } }
  await tour.refused('A query that cannot be read is not kept.', wrong, 400, 'validation_failed')
  await tour.step(
    'The viewer has it too.',
    { request: 'GET /saved-filters?shared=true', by: at(world, viewer) },
    { status: 200, reply: page(filter).extend({ count: z.literal(1) }), tell: ({ results }) => results.map(({ name }) => name).join(', ') },
  )
  const change: Call = { request: `PATCH /saved-filters/${id}`, by: at(world, viewer), json: { name: 'Mine' } }
  await tour.refused('But does not change what is shared.', change, 403, 'forbidden')
  await dashboard(world)
}

async function dashboard(world: World): Promise<void> {
  const { tour, admin, viewer } = world
  const layout = (x: number) => ({ x, y: 0, w: 3, h: 4 })
  const panels = [
    { id: 'all', title: 'Logs', kind: 'number', stats: 'count()', layout: layout(0) },
    { id: 'course', title: 'Course', kind: 'time_series', layout: layout(3) },
    { id: 'levels', title: 'Levels', kind: 'top_values', field: 'severity', layout: layout(6) },
    { id: 'last', title: 'Last failures', kind: 'log_list', q: 'level:>=error', limit: 3, layout: layout(9) },
  ]
  const { id } = await tour.step(
    'The admin makes a dashboard of four panels.',
    { request: 'POST /dashboards', by: at(world, admin), json: { name: 'Checkout', definition: { panels } } },
    { status: 201, reply: z.object({ id: z.string(), name: z.string() }), tell: ({ name }) => name },
  )
  const shown = <T>(data: z.ZodType<T>) => z.object({ id: z.string(), status: z.literal('ok'), data })
  const data = z.tuple([
    shown(z.object({ value: z.literal(sentLogs) })),
    shown(z.object({ count: z.literal(sentLogs) })),
    shown(z.object({ field: z.literal('severity') })),
    shown(z.object({ results: z.array(z.object({ severity: z.literal('ERROR') })).length(3) })),
  ])
  await tour.step(
    'The viewer sees the data of all of them.',
    { request: `GET /dashboards/${id}/data`, by: at(world, viewer) },
    {
      status: 200,
      reply: z.object({ panels: data }),
      tell: ({ panels: [all, , , last] }) => `${all.data.value} logs in the first, ${last.data.results.length} failures in the last`,
    },
  )
}
