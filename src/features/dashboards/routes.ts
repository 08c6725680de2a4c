import type { QueryChecks } from '../../core/query_checks.ts'
import { ifMatch } from '../../http/if_match.ts'
import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import type { Route } from '../../http/route.ts'
import { createDashboard } from './create.ts'
import type { DashboardRow } from './dashboard.ts'
import { dashboardJson, findDashboard, versionOf } from './dashboard.ts'
import { listDashboards } from './list.ts'
import { deleteDashboard } from './remove.ts'
import { dashboardBodies, dashboardPageSchema, dashboardParam, dashboardSchema, listDashboardsQuery } from './schema.ts'
import { updateDashboard } from './update.ts'

const collection = '/api/v1/dashboards'
const item = `${collection}/:id`
const concurrency = 'Send the ETag of what you saw as If-Match, and a dashboard that was changed since answers 412 instead.'

const list = route(
  {
    id: 'dashboards.list',
    method: 'get',
    path: collection,
    summary: 'Dashboards of the organization, without their panels',
    access: 'dashboards:read',
    query: listDashboardsQuery,
    replies: { 200: dashboardPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listDashboards(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const get = route(
  {
    id: 'dashboards.get',
    method: 'get',
    path: item,
    summary: 'One dashboard',
    description: '`name` and `definition` can be sent to POST again, here or in another organization.',
    access: 'dashboards:read',
    param: dashboardParam,
    replies: { 200: dashboardSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => shown(await findDashboard(ctx, param.id)),
)

const remove = route(
  {
    id: 'dashboards.delete',
    method: 'delete',
    path: item,
    summary: 'Delete a dashboard for ever',
    description: concurrency,
    access: 'dashboards:write',
    param: dashboardParam,
    replies: { 204: emptyReply('The dashboard is gone') },
    problems: ['not_found', 'conflict', 'precondition_failed'],
  },
  async ({ param }, ctx, c) => {
    await deleteDashboard(ctx, param.id, ifMatch(c))
    return { status: 204 }
  },
)

/** `checks` reads queries, which features know nothing of. */
export function dashboardRoutes(checks: QueryChecks): Route[] {
  const bodies = dashboardBodies(checks)

  const create = route(
    {
      id: 'dashboards.create',
      method: 'post',
      path: collection,
      summary: 'Create a dashboard',
      description: 'The queries of all panels are read now; `details` names each that is wrong, as in definition.panels.2.q.',
      access: 'dashboards:write',
      json: bodies.create,
      replies: { 201: dashboardSchema },
      problems: ['conflict'],
    },
    async ({ json }, ctx) => {
      const { body, headers } = shown(await createDashboard(ctx, json))
      return { status: 201, body, headers: { ...headers, Location: `${collection}/${body.id}` } }
    },
  )

  const common = { path: item, description: concurrency, access: 'dashboards:write', param: dashboardParam } as const

  const replace = route(
    {
      ...common,
      id: 'dashboards.replace',
      method: 'put',
      summary: 'Replace a dashboard',
      json: bodies.create,
      replies: { 200: dashboardSchema },
      problems: ['not_found', 'conflict', 'precondition_failed'],
    },
    async ({ param, json }, ctx, c) => shown(await updateDashboard(ctx, param.id, json, ifMatch(c))),
  )

  const update = route(
    {
      ...common,
      id: 'dashboards.update',
      method: 'patch',
      summary: 'Change the name of a dashboard, its definition or both',
      json: bodies.update,
      replies: { 200: dashboardSchema },
      problems: ['not_found', 'conflict', 'precondition_failed'],
    },
    async ({ param, json }, ctx, c) => shown(await updateDashboard(ctx, param.id, json, ifMatch(c))),
  )

  return [list, create, get, replace, update, remove]
}

function shown(row: DashboardRow) {
  return { status: 200 as const, body: dashboardJson(row), headers: { ETag: versionOf(row) } }
}
