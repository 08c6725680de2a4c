import { taskSchema } from '../../features/tasks/schema.ts'
import { rawReply, route } from '../../http/route.ts'
import { eraseLogs } from './erase.ts'
import { readSegmentFile } from './segment_file.ts'
import { listOperations, listSegments } from './segments.ts'
import { eraseJson, operationsReply, segmentParam, segmentsQuery, segmentsReply, usageQuery, usageReply } from './storage_schema.ts'
import { usageOfLogs } from './usage.ts'

const usage = route(
  {
    id: 'logs.usage',
    method: 'get',
    path: '/api/v1/logs/usage',
    summary: 'Records received, stored and rejected, by day and source',
    description: `Stored records are counted in the moment they are acknowledged. Records of batches of which nothing was stored are
written down within 10 seconds, and can be missing here if a server is lost before.`,
    access: 'logs:read',
    query: usageQuery,
    replies: { 200: usageReply },
    problems: ['unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await usageOfLogs(ctx, query) }),
)

const erase = route(
  {
    id: 'logs.erase',
    method: 'post',
    path: '/api/v1/logs/delete',
    summary: 'Erase all logs that match, for ever',
    description: `When this is answered no query finds them any more. A background task then removes them from storage and says how many
they were. Logs that arrive later are not concerned. It cannot be stopped. Copies that left the logs before stay for their time: archives and files
of exports, files of reports for two days, the weekly digest for a week, values of groups that alerts found for 90 days, mails for 30.`,
    access: 'logs:delete',
    stepUp: true,
    json: eraseJson,
    replies: { 202: taskSchema },
    problems: ['invalid_query', 'conflict', 'unavailable'],
  },
  async ({ json }, ctx) => {
    const body = await eraseLogs(ctx, json)
    return { status: 202, body, headers: { Location: `/api/v1/tasks/${body.id}` } }
  },
)

const segments = route(
  {
    id: 'segments.list',
    method: 'get',
    path: '/api/v1/logs/segments',
    summary: 'Sealed segments that there are now',
    access: 'logs:segments',
    query: segmentsQuery,
    replies: { 200: segmentsReply },
    problems: ['invalid_cursor', 'unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await listSegments(ctx, query) }),
)

const operations = route(
  {
    id: 'segments.operations',
    method: 'get',
    path: '/api/v1/logs/segments/operations',
    summary: 'What was sealed, merged and removed: the hash-chained manifest',
    access: 'logs:segments',
    query: segmentsQuery,
    replies: { 200: operationsReply },
    problems: ['invalid_cursor', 'unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await listOperations(ctx, query) }),
)

const file = route(
  {
    id: 'segments.file',
    method: 'get',
    path: '/api/v1/logs/segments/:id/file',
    summary: 'The bytes of one segment',
    description: `As src/engine/FORMAT.md describes them. The file holds its logs as they were sealed: those that were edited or deleted one by
one, or that have expired since, may still stand in it as they were, until the segment is rewritten. While an erasure may still remove logs
from it the answer is 409, and when all of them have expired it is 404. One Range is supported.`,
    access: 'logs:segments',
    param: segmentParam,
    replies: {
      200: rawReply('application/octet-stream', 'The segment.'),
      206: rawReply('application/octet-stream', 'The range of it that was asked for.'),
    },
    problems: ['not_found', 'conflict', 'range_not_satisfiable', 'damaged_block', 'unavailable'],
  },
  async ({ param }, ctx, c) => {
    const { body, status, headers } = await readSegmentFile(ctx, param.id, c.req.header('Range'))
    return new Response(body, { status, headers })
  },
)

export const storageRoutes = [usage, erase, segments, operations, file]
