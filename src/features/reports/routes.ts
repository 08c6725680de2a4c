import * as z from 'zod'
import { reportRunsAskedMax } from '../../core/limits.ts'
import { timestampSchema } from '../../core/primitives.ts'
import type { QueryChecks } from '../../core/query_checks.ts'
import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import type { Route } from '../../http/route.ts'
import { createReport } from './create.ts'
import { listReports } from './list.ts'
import { deleteReport } from './remove.ts'
import { findReport, reportJson } from './report.ts'
import { runReport } from './run.ts'
import { listReportsQuery, reportBodies, reportPageSchema, reportParam, reportSchema } from './schema.ts'
import { updateReport } from './update.ts'

const collection = '/api/v1/reports'
const item = `${collection}/:id`

const list = route(
  {
    id: 'reports.list',
    method: 'get',
    path: collection,
    summary: 'Scheduled reports of the organization',
    access: 'reports:read',
    query: listReportsQuery,
    replies: { 200: reportPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listReports(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const get = route(
  {
    id: 'reports.get',
    method: 'get',
    path: item,
    summary: 'One scheduled report',
    access: 'reports:read',
    param: reportParam,
    replies: { 200: reportSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: reportJson(await findReport(ctx, param.id)) }),
)

const remove = route(
  {
    id: 'reports.delete',
    method: 'delete',
    path: item,
    summary: 'Delete a scheduled report for ever',
    access: 'reports:write',
    param: reportParam,
    replies: { 204: emptyReply('The report is gone.') },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => {
    await deleteReport(ctx, param.id)
    return { status: 204 }
  },
)

const run = route(
  {
    id: 'reports.run',
    method: 'post',
    path: `${item}/run`,
    summary: 'Send a report out now',
    description: `In the background, beside its times; a report at most once a minute, and ${reportRunsAskedMax} of an organization an hour.
\`last_run_at\` then tells that it went out.`,
    access: 'reports:write',
    param: reportParam,
    replies: { 202: z.object({ due_at: timestampSchema.meta({ description: 'The moment that its relative times count from' }) }) },
    problems: ['not_found', 'rate_limited', 'unavailable'],
  },
  async ({ param }, ctx) => ({ status: 202, body: await runReport(ctx, param.id) }),
)

/** `checks` reads queries, which features know nothing of. */
export function reportRoutes(checks: QueryChecks): Route[] {
  const bodies = reportBodies(checks)

  const create = route(
    {
      id: 'reports.create',
      method: 'post',
      path: collection,
      summary: 'Schedule a search whose result is mailed as CSV',
      description: `Due at the times of a cron expression in a time zone, at most once an hour. It goes to members with a confirmed e-mail; only
with channels:write to others. When who made it may not have it any more, it is disabled instead of sent.`,
      access: 'reports:write',
      json: bodies.create,
      replies: { 201: reportSchema },
      problems: ['conflict', 'rate_limited'],
    },
    async ({ json }, ctx) => {
      const body = reportJson(await createReport(ctx, json))
      return { status: 201, body, headers: { Location: `${collection}/${body.id}` } }
    },
  )

  const common = { path: item, access: 'reports:write', param: reportParam, replies: { 200: reportSchema } } as const

  const replace = route(
    {
      ...common,
      id: 'reports.replace',
      method: 'put',
      summary: 'Replace a scheduled report',
      json: bodies.create,
      problems: ['not_found', 'conflict', 'rate_limited'],
    },
    async ({ param, json }, ctx) => ({ status: 200, body: reportJson(await updateReport(ctx, param.id, json)) }),
  )

  const update = route(
    {
      ...common,
      id: 'reports.update',
      method: 'patch',
      summary: 'Change a scheduled report',
      json: bodies.update,
      problems: ['not_found', 'conflict', 'rate_limited'],
    },
    async ({ param, json }, ctx) => ({ status: 200, body: reportJson(await updateReport(ctx, param.id, json)) }),
  )

  return [list, create, get, replace, update, remove, run]
}
