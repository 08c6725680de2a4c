import type { QueryChecks } from '../../core/query_checks.ts'
import { ifMatch } from '../../http/if_match.ts'
import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import type { Route } from '../../http/route.ts'
import { listNotificationsQuery, notificationPageSchema } from '../notification-channels/notification_schema.ts'
import { retryNotification } from '../notification-channels/retry_notification.ts'
import { createAlert } from './create.ts'
import { getAlert } from './get.ts'
import { listAlertHistory } from './history.ts'
import { listAlerts } from './list.ts'
import { deleteAlert } from './remove.ts'
import { alertNotificationsOf } from './notifications.ts'
import { versionOf } from './rule.ts'
import type { RuleRow } from './rule.ts'
import { alertJson } from './rule_json.ts'
import type { Quiet } from './rule_json.ts'
import {
  alertBodies,
  alertHistoryPageSchema,
  alertHistoryQuery,
  alertPageSchema,
  alertParam,
  alertSchema,
  listAlertsQuery,
  notificationParam,
} from './schema.ts'
import { updateAlert } from './update.ts'

const collection = '/api/v1/alerts'
const item = `${collection}/:id`
const concurrency =
  'Send the ETag of what you saw as If-Match, and a rule that was changed since answers 412 instead. What the evaluation writes changes no ETag.'

const list = route(
  {
    id: 'alerts.list',
    method: 'get',
    path: collection,
    summary: 'Alert rules of the organization and where they stand',
    access: 'alerts:read',
    query: listAlertsQuery,
    replies: { 200: alertPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listAlerts(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const get = route(
  {
    id: 'alerts.get',
    method: 'get',
    path: item,
    summary: 'One alert rule, and where it and its groups stand',
    description: 'The values of groups are parts of logs, so that it needs logs:read as well.',
    access: 'alerts:read',
    param: alertParam,
    replies: { 200: alertSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => shown(await getAlert(ctx, param.id)),
)

const history = route(
  {
    id: 'alert_history.list',
    method: 'get',
    path: `${item}/history`,
    summary: 'What happened to an alert rule and its groups, newest first',
    description:
      'The values of groups are parts of logs, so that it needs logs:read as well. Kept for 90 days. A page looks at the newest 10,000 entries at most: `from` and `to` choose others.',
    access: 'alerts:read',
    param: alertParam,
    query: alertHistoryQuery,
    replies: { 200: alertHistoryPageSchema },
    problems: ['not_found'],
  },
  async ({ param, query }, ctx, c) => {
    const { count, countIsLowerBound, results } = await listAlertHistory(ctx, param.id, query)
    const links = pageLinks(publicAddress(ctx, c.req.url), { ...query, count })
    return { status: 200, body: { count, count_is_lower_bound: countIsLowerBound, ...links, results } }
  },
)

const notifications = route(
  {
    id: 'alert_notifications.list',
    method: 'get',
    path: `${item}/notifications`,
    summary: 'What an alert rule told, to whom, and what became of it, newest first',
    description: 'Tells of logs and names channels and addresses, so that it needs logs:read and channels:read as well. Kept for 90 days.',
    access: 'alerts:read',
    param: alertParam,
    query: listNotificationsQuery,
    replies: { 200: notificationPageSchema },
    problems: ['not_found'],
  },
  async ({ param, query }, ctx, c) => {
    const { count, results } = await alertNotificationsOf(ctx, param.id, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const retry = route(
  {
    id: 'alert_notifications.retry',
    method: 'post',
    path: `${item}/notifications/:notification_id/retry`,
    summary: 'Send a notification that failed once more',
    description:
      'It waits again, for another day, with the notice_id that receivers know it by, without the logs. Needs logs:read as well.',
    access: 'alerts:write',
    param: notificationParam,
    replies: { 202: emptyReply('It is on its way') },
    problems: ['not_found', 'conflict'],
  },
  async ({ param }, ctx) => {
    await retryNotification(ctx, { ruleId: param.id, id: param.notification_id })
    return { status: 202 }
  },
)

const remove = route(
  {
    id: 'alerts.delete',
    method: 'delete',
    path: item,
    summary: 'Delete an alert rule for ever',
    description: `With it go the silences that are for it alone. What waits to be told is still told. ${concurrency}`,
    access: 'alerts:write',
    param: alertParam,
    replies: { 204: emptyReply('The rule is gone') },
    problems: ['not_found', 'conflict', 'precondition_failed'],
  },
  async ({ param }, ctx, c) => {
    await deleteAlert(ctx, param.id, ifMatch(c))
    return { status: 204 }
  },
)

/** `checks` reads queries, which features know nothing of. */
export function alertRoutes(checks: QueryChecks): Route[] {
  const bodies = alertBodies(checks)

  const create = route(
    {
      id: 'alerts.create',
      method: 'post',
      path: collection,
      summary: 'Create an alert rule',
      description:
        'The query is read now; the first window that is evaluated is the next one that ends. A rule reads logs, so that to create and change one needs logs:read as well.',
      access: 'alerts:write',
      json: bodies.create,
      replies: { 201: alertSchema },
      problems: ['conflict'],
    },
    async ({ json }, ctx) => {
      const { body, headers } = shown(await createAlert(ctx, json))
      return { status: 201, body, headers: { ...headers, Location: `${collection}/${body.id}` } }
    },
  )

  const common = { path: item, access: 'alerts:write', param: alertParam } as const

  const replace = route(
    {
      ...common,
      id: 'alerts.replace',
      method: 'put',
      summary: 'Replace an alert rule',
      description: concurrency,
      json: bodies.create,
      replies: { 200: alertSchema },
      problems: ['not_found', 'conflict', 'precondition_failed'],
    },
    async ({ param, json }, ctx, c) => shown(await updateAlert(ctx, param.id, json, ifMatch(c))),
  )

  const update = route(
    {
      ...common,
      id: 'alerts.update',
      method: 'patch',
      summary: 'Change the name of an alert rule, its definition, or turn it on and off',
      description: `A rule that is turned off forgets where it stood, and begins anew when it is turned on. ${concurrency}`,
      json: bodies.update,
      replies: { 200: alertSchema },
      problems: ['not_found', 'conflict', 'precondition_failed'],
    },
    async ({ param, json }, ctx, c) => shown(await updateAlert(ctx, param.id, json, ifMatch(c))),
  )

  return [list, create, get, replace, update, remove, history, notifications, retry]
}

function shown({ row, quiet }: { row: RuleRow; quiet: Quiet }) {
  return { status: 200 as const, body: alertJson(row, quiet), headers: { ETag: versionOf(row) } }
}
