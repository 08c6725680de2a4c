import type { ScheduleName } from '../../core/schedules.ts'
import { version } from '../../core/version.ts'
import type { BaseCtx } from '../../db/context.ts'
import { route } from '../../http/route.ts'
import type { Route } from '../../http/route.ts'
import { checkHealth } from './check_health.ts'
import { scheduleHealth } from './schedule_health.ts'
import { detailedHealthSchema, healthSchema, liveSchema, rootSchema } from './schema.ts'
import type { CheckName, Health } from './schema.ts'

const common = { method: 'get', access: 'public', unlimited: true, problems: [] } as const
const replies = { 200: healthSchema, 503: healthSchema }

const root = route(
  { ...common, id: 'service.root', path: '/', summary: 'Name, version and links of the service', replies: { 200: rootSchema } },
  async (_, { config }) => {
    const links = { api: '/api/v1', schema: '/api/schema', health: '/health', keys: '/.well-known/jwks.json' }
    const absolute = Object.fromEntries(Object.entries(links).map(([name, path]) => [name, config.publicUrl + path]))
    return { status: 200, body: { name: 'Edgelog', version, links: absolute } }
  },
)

const live = route(
  { ...common, id: 'health.live', path: '/health/live', summary: 'Whether the Worker runs; asks no storage', replies: { 200: liveSchema } },
  async () => ({ status: 200, body: { status: 'ok', version } }),
)

/** The routes of the service itself; `schedules` are those whose times it keeps an eye on. */
export function serviceRoutes(schedules: readonly ScheduleName[]): Route[] {
  return [root, live, ...healthRoutes(schedules), detailedRoute(schedules)]
}

function healthRoutes(schedules: readonly ScheduleName[]): Route[] {
  const answer = async (ctx: BaseCtx, names?: readonly CheckName[]) => {
    const health = await checkHealth(ctx, schedules, names)
    return { status: statusOf(health), body: { ...health, version } }
  }
  const overall = route(
    { ...common, id: 'health.overall', path: '/health', summary: 'State of the service and its storages', replies },
    (_, ctx) => answer(ctx),
  )
  const ready = route(
    { ...common, id: 'health.ready', path: '/health/ready', summary: 'Whether requests can be served', replies },
    (_, ctx) => answer(ctx, ['database', 'log_shard']),
  )
  const database = route(
    { ...common, id: 'health.database', path: '/health/database', summary: 'State of the D1 database', replies },
    (_, ctx) => answer(ctx, ['database']),
  )
  return [overall, ready, database]
}

function detailedRoute(schedules: readonly ScheduleName[]): Route {
  return route(
    {
      ...common,
      id: 'health.detailed',
      path: '/health/detailed',
      summary: 'State of every storage and schedule, and where this answer was made',
      description: 'A schedule that has not succeeded for three of its intervals is late, and the status degraded.',
      replies: { 200: detailedHealthSchema, 503: detailedHealthSchema },
    },
    async (_, ctx) => {
      const health = await checkHealth(ctx, schedules)
      // Without the database nobody knows; the checks may be older than its trouble, so the log says why.
      const states = await scheduleHealth(ctx, schedules).catch((error: unknown) => {
        ctx.log.error('the schedules could not be read', error)
        return null
      })
      const where = { environment: ctx.config.environment, region: ctx.region, time: new Date(ctx.now()).toISOString() }
      return { status: statusOf(health), body: { ...health, schedules: states, version, ...where } }
    },
  )
}

function statusOf({ status }: Health): 200 | 503 {
  return status === 'unavailable' ? 503 : 200
}
