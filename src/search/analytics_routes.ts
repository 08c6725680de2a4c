import { route } from '../http/route.ts'
import {
  contextQuery,
  contextReply,
  fieldsQuery,
  fieldsReply,
  patternsQuery,
  patternsReply,
  statsQuery,
  statsReply,
} from './analytics_schema.ts'
import { contextOfLog } from './context.ts'
import { fieldsOfLogs } from './fields.ts'
import { patternsOfLogs } from './patterns.ts'
import { statsOfLogs } from './stats_of_logs.ts'

const stats = route(
  {
    id: 'logs.stats',
    method: 'get',
    path: '/api/v1/logs/stats',
    summary: 'Statistics of fields, by group and time',
    description:
      'Values are numbers as they were sent; a text that looks like a number is none. Distinct counts are exact up to 1,024 values of a group, then estimated; percentiles are within 1 %. `functions` states the errors.',
    access: 'logs:read',
    query: statsQuery,
    replies: { 200: statsReply },
    problems: ['invalid_query', 'unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await statsOfLogs(ctx, query) }),
)

const fields = route(
  {
    id: 'logs.fields',
    method: 'get',
    path: '/api/v1/logs/fields',
    summary: 'Attributes that logs have, and the types of their values',
    access: 'logs:read',
    query: fieldsQuery,
    replies: { 200: fieldsReply },
    problems: ['invalid_query', 'unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await fieldsOfLogs(ctx, query) }),
)

const context = route(
  {
    id: 'logs.context',
    method: 'get',
    path: '/api/v1/logs/context',
    summary: 'Logs of the same source around one log',
    access: 'logs:read',
    query: contextQuery,
    replies: { 200: contextReply },
    problems: ['not_found', 'unprocessable', 'damaged_block', 'unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await contextOfLog(ctx, query) }),
)

const patterns = route(
  {
    id: 'logs.patterns',
    method: 'get',
    path: '/api/v1/logs/patterns',
    summary: 'Messages with their variable parts folded, most frequent first',
    access: 'logs:read',
    query: patternsQuery,
    replies: { 200: patternsReply },
    problems: ['invalid_query', 'unavailable'],
  },
  async ({ query }, ctx) => ({ status: 200, body: await patternsOfLogs(ctx, query) }),
)

export const analyticsRoutes = [stats, fields, context, patterns]
