import type { ScheduleName } from '../../core/schedules.ts'
import { rawReply, route } from '../../http/route.ts'
import type { Route } from '../../http/route.ts'
import { expositionType } from './exposition.ts'
import { getMetrics } from './get_metrics.ts'

/** `schedules` are those that there are. */
export function metricsRoutes(schedules: readonly ScheduleName[]): Route[] {
  return [metricsRoute(schedules)]
}

function metricsRoute(schedules: readonly ScheduleName[]): Route {
  return route(
    {
      id: 'service.metrics',
      method: 'get',
      path: '/metrics',
      summary: 'What the deployment does and costs, as Prometheus text; needs the deployment’s metrics token as a bearer token',
      access: 'public',
      replies: { 200: rawReply(expositionType, 'Prometheus text exposition format 0.0.4.') },
      problems: ['not_found', 'unauthenticated'],
    },
    async (_, ctx, c) => {
      const text = await getMetrics(ctx, schedules, c.req.header('Authorization'))
      return new Response(text, { headers: { 'Content-Type': expositionType, 'Cache-Control': 'no-store' } })
    },
  )
}
