import { logSchema } from '../core/log_schema.ts'
import { publicAddress } from '../http/public_address.ts'
import { emptyReply, rawReply, route } from '../http/route.ts'
import { mergeLog, replaceLog } from './edit.ts'
import { mergeJson, replaceJson } from './edit_schema.ts'
import { cursorLinks } from './cursor_links.ts'
import { exportLogs } from './export.ts'
import { facetsOfLogs } from './facets.ts'
import { getLog } from './get.ts'
import { histogramOfLogs } from './histogram.ts'
import { listLogs } from './list.ts'
import { deleteLog } from './remove.ts'
import { exportQuery, facetsQuery, facetsReply, histogramQuery, histogramReply, listQuery, listReply, logParam } from './schema.ts'
import { searchJson, searchQuery, searchReply } from './schema.ts'
import { searchLogs } from './search.ts'

const list = route(
  {
    id: 'logs.list',
    method: 'get',
    path: '/api/v1/logs',
    summary: 'List logs by simple filters, page by page, with their count',
    access: 'logs:read',
    query: listQuery,
    replies: { 200: listReply },
    problems: ['invalid_query', 'invalid_cursor', 'unprocessable', 'unavailable'],
  },
  async ({ query }, ctx, c) => {
    const { count, countIsLowerBound, results, next, damaged } = await listLogs(ctx, query)
    const links = cursorLinks(new URL(publicAddress(ctx, c.req.url)), query, next)
    return {
      status: 200,
      body: { count, ...(countIsLowerBound && { count_is_lower_bound: true as const }), ...(damaged && { damaged }), ...links, results },
    }
  },
)

const search = route(
  {
    id: 'logs.search',
    method: 'get',
    path: '/api/v1/logs/search',
    summary: 'Search logs in the query language',
    access: 'logs:read',
    query: searchQuery,
    replies: { 200: searchReply },
    problems: ['invalid_query', 'invalid_cursor', 'unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await searchLogs(ctx, query) }),
)

const searchByPost = route(
  {
    id: 'logs.search_by_post',
    method: 'post',
    path: '/api/v1/logs/search',
    summary: 'Search logs; for queries that are too long for an address',
    access: 'logs:read',
    json: searchJson,
    replies: { 200: searchReply },
    problems: ['invalid_query', 'invalid_cursor', 'unavailable'],
  },
  async ({ json }, ctx) => ({ status: 200, body: await searchLogs(ctx, json) }),
)

const histogram = route(
  {
    id: 'logs.histogram',
    method: 'get',
    path: '/api/v1/logs/histogram',
    summary: 'Count logs by time and severity',
    access: 'logs:read',
    query: histogramQuery,
    replies: { 200: histogramReply },
    problems: ['invalid_query', 'unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await histogramOfLogs(ctx, query) }),
)

const facets = route(
  {
    id: 'logs.facets',
    method: 'get',
    path: '/api/v1/logs/facets',
    summary: 'Most frequent values of fields',
    access: 'logs:read',
    query: facetsQuery,
    replies: { 200: facetsReply },
    problems: ['invalid_query', 'unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await facetsOfLogs(ctx, query) }),
)

const exportFile = route(
  {
    id: 'logs.export',
    method: 'get',
    path: '/api/v1/logs/export',
    summary: 'Download all logs that match as CSV or NDJSON',
    description:
      'Streamed. NDJSON can be ingested again. In CSV a text that a spreadsheet would run as a formula gets an apostrophe in front. Where stored logs are damaged the file has all that can be read and then breaks off.',
    access: 'logs:read',
    query: exportQuery,
    replies: { 200: rawReply('text/csv, application/x-ndjson', 'The file.') },
    problems: ['invalid_query', 'unavailable'],
  },
  async ({ query }, ctx) => {
    const { body, contentType, fileName } = await exportLogs(ctx, query)
    return new Response(body, { headers: { 'Content-Type': contentType, 'Content-Disposition': `attachment; filename="${fileName}"` } })
  },
)

const get = route(
  {
    id: 'logs.get',
    method: 'get',
    path: '/api/v1/logs/:id',
    summary: 'One log',
    access: 'logs:read',
    param: logParam,
    replies: { 200: logSchema },
    problems: ['not_found', 'damaged_block', 'unavailable'],
  },
  async ({ param }, ctx) => ({ status: 200, body: await getLog(ctx, param.id) }),
)

const replace = route(
  {
    id: 'logs.replace',
    method: 'put',
    path: '/api/v1/logs/:id',
    summary: 'Replace the content of one log; its id and time of receipt stay',
    access: 'logs:edit',
    param: logParam,
    json: replaceJson,
    replies: { 200: logSchema },
    problems: ['not_found', 'too_many_patches', 'damaged_block', 'unavailable'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await replaceLog(ctx, param.id, json) }),
)

const merge = route(
  {
    id: 'logs.update',
    method: 'patch',
    path: '/api/v1/logs/:id',
    summary: 'Change parts of one log; an attribute that is null is removed',
    access: 'logs:edit',
    param: logParam,
    json: mergeJson,
    replies: { 200: logSchema },
    problems: ['not_found', 'too_many_patches', 'damaged_block', 'unavailable'],
  },
  async ({ param, json }, ctx) => ({ status: 200, body: await mergeLog(ctx, param.id, json) }),
)

const remove = route(
  {
    id: 'logs.delete',
    method: 'delete',
    path: '/api/v1/logs/:id',
    summary: 'Delete one log for ever',
    access: 'logs:delete',
    param: logParam,
    replies: { 204: emptyReply('The log is gone.') },
    problems: ['not_found', 'too_many_patches', 'damaged_block', 'unavailable'],
  },
  async ({ param }, ctx) => {
    await deleteLog(ctx, param.id)
    return { status: 204 }
  },
)

export const searchRoutes = [list, search, searchByPost, histogram, facets, exportFile, get, replace, merge, remove]
