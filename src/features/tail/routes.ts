import { problem } from '../../core/problems.ts'
import { rawReply, route } from '../../http/route.ts'
import { checkQuery } from '../../search/query_text.ts'
import { connectTail, readTicket } from './connect.ts'
import { createTailTicket } from './create_ticket.ts'
import { tailQuery, ticketSchema } from './schema.ts'

const createTicket = route(
  {
    id: 'logs.tail_ticket',
    method: 'post',
    path: '/api/v1/logs/tail-ticket',
    summary: 'Get a single-use ticket for the live tail',
    access: 'logs:read',
    replies: { 201: ticketSchema },
    problems: [],
  },
  async (_, ctx) => {
    const { ticket, expiresMs, url } = await createTailTicket(ctx)
    return { status: 201, body: { ticket, expires_at: new Date(expiresMs).toISOString(), url } }
  },
)

const description = `A WebSocket. Every message is JSON with a \`type\`:

- \`ready\`: the tail has begun; rows stored from now on (or after \`cursor\`) follow, each once, in the order of their shard.
- \`log_created\` with \`log\`, \`log_batch\` with \`logs\`.
- \`dropped\` with \`count\` and \`reason\`: \`slow\` (matching rows beyond what the connection may take), \`behind\` (rows, matching or
  not, that were too far back: over a million, or over 131,072 or 128 MiB of those that are sealed), \`damaged\` (rows of a block that cannot be read).
- \`cursor\`: much went by that did not match. All of the above carry \`cursor\`: reconnect with the last one to go on after it.
- \`error\` with \`code\` and \`detail\`: a message of yours was not understood. \`pong\`.

A client may send the text \`ping\` (answered \`pong\`) and \`{"type":"ping"}\`, and should send \`{"type":"ack","cursor":"..."}\` with
the newest cursor it has, about twice a second while messages come. One that acknowledges gets up to 20,000 rows and 8 MiB a
second, and has at most 10,000 rows or 4 MiB on their way. One that never did may have stopped reading: it gets 3 MiB a second,
all such clients of an organization together 24 MiB, and what goes beyond is dropped as \`slow\`. Close codes: 4001, the connection is an hour old, its
key or session has expired, or it cannot be restored after an update: get a new ticket and resume; 4003, the access ended; 1003 binary message; 1008 too many bad messages; 1009 message too long.`

const connect = route(
  {
    id: 'logs.tail',
    method: 'get',
    path: '/ws/logs',
    summary: 'Watch new logs live over a WebSocket',
    description,
    access: 'public',
    query: tailQuery,
    replies: { 101: rawReply('application/json', 'The WebSocket is open.') },
    problems: ['invalid_cursor', 'invalid_query', 'invalid_token', 'token_expired', 'upgrade_required', 'rate_limited', 'unavailable'],
  },
  async ({ query }, ctx, c) => {
    if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
      throw problem('upgrade_required', 'This address speaks WebSocket only.', { headers: { Upgrade: 'websocket' } })
    }
    const claims = await readTicket(ctx, query.ticket)
    checkQuery(query.q)
    return connectTail(ctx, claims, query)
  },
)

export const tailRoutes = [createTicket, connect]
