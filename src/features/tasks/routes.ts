import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, rawReply, route } from '../../http/route.ts'
import { openDownload } from './download.ts'
import { createDownloadLink } from './download_link.ts'
import { getTask } from './get.ts'
import { listTasks } from './list.ts'
import { revokeTask } from './revoke.ts'
import { downloadLinkJson, downloadLinkSchema, downloadParam, listTasksQuery, taskPageSchema, taskParam, taskSchema } from './schema.ts'

const collection = '/api/v1/tasks'
const item = `${collection}/:id`

const list = route(
  {
    id: 'tasks.list',
    method: 'get',
    path: collection,
    summary: 'Background tasks of the organization',
    access: 'tasks:read',
    query: listTasksQuery,
    replies: { 200: taskPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listTasks(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const get = route(
  {
    id: 'tasks.get',
    method: 'get',
    path: item,
    summary: 'One background task',
    access: 'tasks:read',
    param: taskParam,
    replies: { 200: taskSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getTask(ctx, param.id) }),
)

const revoke = route(
  {
    id: 'tasks.delete',
    method: 'delete',
    path: item,
    summary: 'Stop a background task',
    description: `It stops before its next step. Its files are removed, also when it is done, and links to them end. An erasure cannot be
stopped. Tasks of others need tasks:write.`,
    access: 'tasks:create',
    param: taskParam,
    replies: { 204: emptyReply('The task is revoked.') },
    problems: ['not_found', 'conflict'],
  },
  async ({ param }, ctx) => {
    await revokeTask(ctx, param.id)
    return { status: 204 }
  },
)

const link = route(
  {
    id: 'tasks.download_link',
    method: 'post',
    path: `${item}/download-link`,
    summary: 'A link that gives the file of a task, for a while',
    description: `Of tasks of the kinds export and account_export that are done, for who may read what is in the file. The link needs no
credentials. One to the export of an account is for who made that, with the password proved lately. It ends at its time, with the file, when the task is deleted, and when who made it may not read the file any more.`,
    access: 'tasks:read',
    param: taskParam,
    json: downloadLinkJson,
    replies: { 201: downloadLinkSchema },
    problems: ['not_found', 'conflict', 'reauthentication_required', 'second_factor_required'],
  },
  async ({ param, json }, ctx) => ({ status: 201, body: await createDownloadLink(ctx, param.id, json.expires_in_seconds) }),
)

const download = route(
  {
    id: 'downloads.get',
    method: 'get',
    path: '/api/v1/downloads/:token',
    summary: 'The file that a download link names',
    description: 'One Range is supported, so that a download can go on where it broke off.',
    access: 'public',
    param: downloadParam,
    replies: {
      200: rawReply('application/octet-stream', 'The file, of the type that its task wrote.'),
      206: rawReply('application/octet-stream', 'The range of it that was asked for.'),
    },
    problems: ['not_found', 'range_not_satisfiable'],
  },
  async ({ param }, ctx, c) => {
    const { body, status, headers } = await openDownload(ctx, param.token, c.req.header('Range'))
    return new Response(body, { status, headers })
  },
)

export const taskRoutes = [list, get, revoke, link, download]
