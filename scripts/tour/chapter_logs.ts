import * as z from 'zod'
import type { Call, Caller } from './tour.ts'
import { at, page } from './world.ts'
import type { World } from './world.ts'

/** Logs that the tour sends; every tenth is an error. */
export const sentLogs = 60
const errors = sentLogs / 10

const createdKey = z.object({ id: z.string(), key: z.string(), kind: z.string(), scopes: z.array(z.string()) })
type CreatedKey = z.output<typeof createdKey>
const told = ({ key, scopes }: CreatedKey) => `${key} with ${scopes.join(', ')}`
const found = z.object({ results: z.array(z.object({ message: z.string(), source: z.string() })) })

/** Keys, what they write and read, and what people keep of it. */
export async function keysAndLogs(world: World): Promise<void> {
  const { tour } = world
  tour.chapter('API keys and logs')
  const ingest = await createKey(world, 'ingest')
  const query = await createKey(world, 'query')
  const writer: Caller = { bearer: ingest.key }
  await tour.step(
    `The first key sends ${sentLogs} logs.`,
    { request: 'POST /logs', by: writer, ndjson: someLogs() },
    {
      status: 202,
      reply: z.object({ accepted: z.literal(sentLogs), rejected: z.literal(0) }),
      tell: ({ accepted, rejected }) => `${accepted} accepted, ${rejected} rejected`,
    },
  )
  await tour.refused('It cannot read them.', { request: 'GET /logs', by: writer }, 403, 'forbidden')
  const reader: Caller = { bearer: query.key }
  await tour.refused('The other one cannot write.', { request: 'POST /logs', by: reader, json: { message: 'no' } }, 403, 'forbidden')
  await read(world, reader)
  await rotate(world, { ingest, query })
}

function createKey(world: World, kind: 'ingest' | 'query'): Promise<CreatedKey> {
  const call: Call = { request: 'POST /api-keys', by: at(world, world.owner), json: { name: `tour ${kind}`, kind } }
  const reply = createdKey.refine(({ key }) => key.startsWith(`elk_${kind}_`), `must be a key elk_${kind}_...`)
  return world.tour.step(`The owner makes a key of the kind ${kind}; it is shown once.`, call, { status: 201, reply, tell: told })
}

function someLogs(): string {
  const lines = Array.from({ length: sentLogs }, (_, i) => {
    const severity = i % 10 === 0 ? 'ERROR' : 'INFO'
    const message = i % 10 === 0 ? `payment of order ${i} failed` : `order ${i} paid`
    return {
      timestamp: new Date(Date.now() - i * 1000).toISOString(),
      severity,
      source: 'checkout',
      message,
      order_id: i,
      duration: 20 + i,
    }
  })
  return lines.map((line) => JSON.stringify(line)).join('\n')
}

async function read(world: World, reader: Caller): Promise<void> {
  const { tour } = world
  await tour.step(
    'It finds the errors.',
    { request: `GET /logs/search?q=${encodeURIComponent('level:>=error payment')}&limit=100`, by: reader },
    {
      status: 200,
      reply: found.refine(({ results }) => results.length === errors, `must be ${errors} logs`),
      tell: ({ results }) => `${results.length} logs, the newest: "${results[0]?.message}"`,
    },
  )
  await countLogs(world, reader, 'And counts them all.')
  const group = (severity: string, count: number) =>
    z.object({ group: z.tuple([z.literal(severity)]), values: z.tuple([z.literal(count), z.number()]) })
  await tour.step(
    'A statistic of them: how many of each severity, and how long the longest took.',
    { request: `GET /logs/stats?stats=${encodeURIComponent('count(), max(duration)')}&by=severity`, by: reader },
    {
      status: 200,
      reply: z.object({ groups: z.tuple([group('INFO', sentLogs - errors), group('ERROR', errors)]) }),
      tell: ({ groups }) =>
        groups.map(({ group: [severity], values: [count, longest] }) => `${severity} ${count}, ${longest} ms`).join('; '),
    },
  )
  const byViewer: Call = { request: 'GET /logs?page_size=1', by: at(world, world.viewer) }
  await tour.step('The viewer sees the same.', byViewer, { status: 200, reply: z.object({ count: z.literal(sentLogs) }) })
  const elsewhere: Call = { request: 'GET /logs?page_size=1', by: world.owner.session }
  const none = { status: 200, reply: z.object({ count: z.literal(0) }), tell: () => 'none' }
  await tour.step("The owner's first organization has none of it.", elsewhere, none)
}

/** A step that counts all logs of the organization; the answer may take `withinMs` to become right. */
export async function countLogs({ tour }: World, by: Caller, say: string, withinMs = 0): Promise<void> {
  const reply = z.object({ count: z.literal(sentLogs) })
  const tell = ({ count }: z.output<typeof reply>) => `${count} logs`
  await tour.step(say, { request: 'GET /logs?page_size=1', by }, { status: 200, reply, tell, withinMs })
}

async function rotate(world: World, { ingest, query }: { ingest: CreatedKey; query: CreatedKey }): Promise<void> {
  const { tour, owner } = world
  const by = at(world, owner)
  const rotated = await tour.step(
    'The key that reads gets a new value; the old one works for an hour more.',
    { request: `POST /api-keys/${query.id}/rotate`, by, json: { grace_seconds: 3600 } },
    {
      status: 200,
      reply: createdKey.extend({ id: z.literal(query.id), previous_ends_at: z.string() }),
      tell: ({ key, previous_ends_at: end }) => `${key}, the old one until ${end}`,
    },
  )
  await countLogs(world, { bearer: query.key }, 'The old value still reads.')
  world.queryKey = { bearer: rotated.key }
  await countLogs(world, world.queryKey, 'So does the new one.')
  await tour.step('The key that writes is revoked.', { request: `DELETE /api-keys/${ingest.id}`, by }, { status: 204 })
  const write: Call = { request: 'POST /logs', by: { bearer: ingest.key }, json: { message: 'late' } }
  await tour.refused('It stops at once.', write, 401, 'invalid_api_key')
  await tour.step(
    'The list of keys shows none of them.',
    { request: 'GET /api-keys', by },
    {
      status: 200,
      reply: page(z.object({ name: z.string(), hint: z.string(), key: z.never().optional() })).extend({ count: z.literal(1) }),
      tell: ({ results }) => results.map(({ name, hint }) => `${name}, ends in ${hint}`).join('; '),
    },
  )
}
