import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { getTask } from './get.ts'
import { listTasks } from './list.ts'
import { revokeTask } from './revoke.ts'
import { listTasksQuery, taskPageSchema, taskParam, taskSchema } from './schema.ts'

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
    description: 'It stops before its next step. The files of an archive are removed, also when it is done. An erasure cannot be stopped.',
    access: 'tasks:write',
    param: taskParam,
    replies: { 204: emptyReply('The task is revoked.') },
    problems: ['not_found', 'conflict'],
  },
  async ({ param }, ctx) => {
    await revokeTask(ctx, param.id)
    return { status: 204 }
  },
)

export const taskRoutes = [list, get, revoke]
