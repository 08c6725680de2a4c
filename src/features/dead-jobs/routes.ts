import { pageLinks } from '../../http/page_links.ts'
import { publicAddress } from '../../http/public_address.ts'
import { emptyReply, route } from '../../http/route.ts'
import { getDeadJob } from './find.ts'
import { listDeadJobs } from './list.ts'
import { deleteDeadJob } from './remove.ts'
import { replayDeadJob } from './replay.ts'
import { deadJobPageSchema, deadJobParam, deadJobSchema, listDeadJobsQuery } from './schema.ts'

const collection = '/api/v1/dead-jobs'
const item = `${collection}/:id`

const list = route(
  {
    id: 'dead_jobs.list',
    method: 'get',
    path: collection,
    summary: 'Messages of queues that were given up, for staff',
    description: 'They failed eleven times over hours, or have a form that nobody knows. Newest first; kept for 30 days.',
    access: 'staff',
    query: listDeadJobsQuery,
    replies: { 200: deadJobPageSchema },
    problems: [],
  },
  async ({ query }, ctx, c) => {
    const { count, results } = await listDeadJobs(ctx, query)
    return { status: 200, body: { count, ...pageLinks(publicAddress(ctx, c.req.url), { ...query, count }), results } }
  },
)

const get = route(
  {
    id: 'dead_jobs.get',
    method: 'get',
    path: item,
    summary: 'One message that was given up',
    access: 'staff',
    param: deadJobParam,
    replies: { 200: deadJobSchema },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getDeadJob(ctx, param.id) }),
)

const replay = route(
  {
    id: 'dead_jobs.replay',
    method: 'post',
    path: `${item}/replay`,
    summary: 'Send a message to its queue again',
    description:
      'What it is about goes back to where it waits: a failed task to RETRY at its step, a failed mail to pending. Once: a message that is ' +
      'given up again is another dead job.',
    access: 'staff',
    param: deadJobParam,
    replies: { 202: deadJobSchema },
    problems: ['not_found', 'conflict'],
  },
  async ({ param }, ctx) => ({ status: 202, body: await replayDeadJob(ctx, param.id) }),
)

const remove = route(
  {
    id: 'dead_jobs.delete',
    method: 'delete',
    path: item,
    summary: 'Forget a message that was given up',
    access: 'staff',
    param: deadJobParam,
    replies: { 204: emptyReply('It is forgotten.') },
    problems: ['not_found'],
  },
  async ({ param }, ctx) => {
    await deleteDeadJob(ctx, param.id)
    return { status: 204 }
  },
)

export const deadJobRoutes = [list, get, replay, remove]
