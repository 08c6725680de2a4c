import { route } from '../../http/route.ts'
import { dashboardData } from './data.ts'
import { dashboardDataParam, dashboardDataQuery, dashboardDataReply } from './schema.ts'

const data = route(
  {
    id: 'dashboards.data',
    method: 'get',
    path: '/api/v1/dashboards/:id/data',
    summary: 'What all panels of a dashboard show',
    description:
      'Takes the permission logs:read as well. A panel that fails says so itself and spoils no other. Who asks the same within five seconds may get the same answer; relative times are rounded up to that.',
    access: 'dashboards:read',
    param: dashboardDataParam,
    query: dashboardDataQuery,
    replies: { 200: dashboardDataReply },
    problems: ['not_found'],
  },
  async ({ param, query }, ctx) => ({ status: 200, body: await dashboardData(ctx, param.id, query) }),
)

export const dashboardDataRoutes = [data]
