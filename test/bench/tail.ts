import { createAcks } from '../../scripts/dev/tail_acks.ts'
import { quantile } from './figures.ts'
import type { Figure } from './figures.ts'
import { tailFilters, tailRows } from './tail_rows.ts'
import type { TailFilter, TailRow } from './tail_rows.ts'
import { startBenchWorld } from './world.ts'

/** A running server and keys of one organization. */
export interface TailTarget {
  url: string
  ingestKey: string
  queryKey: string
}

interface Load {
  subscribers: number
  rowsPerSecond: number
  batchRows: number
  seconds: number
}

const defaultLoad: Load = { subscribers: 100, rowsPerSecond: 5000, batchRows: 250, seconds: 15 }
/** Batches at the start that warm the code up; their rows must arrive, their latency does not count. */
const warmUpSeconds = 3
const drainMs = 20_000

/** Messages are kept as they come and read after the run, so that reading them does not delay the next. */
interface Subscriber {
  filter: TailFilter
  socket: WebSocket
  messages: { text: string; atMs: number }[]
}

interface Batch {
  rows: TailRow[]
  sentMs: number
  ackedMs: number
}

async function getTicket({ url, queryKey }: TailTarget): Promise<string> {
  const response = await fetch(`${url}/api/v1/logs/tail-ticket`, { method: 'POST', headers: { authorization: `Bearer ${queryKey}` } })
  if (response.status !== 201) throw new Error(`tail-ticket answered ${response.status}: ${await response.text()}`)
  const { ticket } = (await response.json()) as { ticket: string }
  return ticket
}

async function subscribe(target: TailTarget, filter: TailFilter): Promise<Subscriber> {
  const params = new URLSearchParams({ ticket: await getTicket(target), q: filter.q })
  const socket = new WebSocket(`${target.url.replace(/^http/, 'ws')}/ws/logs?${params.toString()}`)
  const subscriber: Subscriber = { filter, socket, messages: [] }
  const ready = Promise.withResolvers<void>()
  const received = createAcks(
    (text) => socket.send(text),
    () => cursorOf(subscriber.messages.at(-1)?.text ?? '{}'),
  )
  socket.addEventListener('message', ({ data }) => {
    subscriber.messages.push({ text: data as string, atMs: performance.now() })
    received()
    ready.resolve()
  })
  socket.addEventListener('error', () => ready.reject(new Error(`the socket of "${filter.q}" failed`)))
  await ready.promise
  return subscriber
}

/** All but refusals carry one, and a refusal ends the run. */
function cursorOf(text: string): string | undefined {
  return (JSON.parse(text) as { cursor?: string }).cursor
}

async function post({ url, ingestKey }: TailTarget, batch: Batch): Promise<void> {
  const body = batch.rows.map((row) => JSON.stringify(row)).join('\n')
  const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${ingestKey}` }
  batch.sentMs = performance.now()
  const response = await fetch(`${url}/api/v1/logs`, { method: 'POST', headers, body })
  batch.ackedMs = performance.now()
  const reply = (await response.json()) as { accepted?: number }
  if (response.status !== 202 || reply.accepted !== batch.rows.length)
    throw new Error(`ingest answered ${response.status} ${JSON.stringify(reply)}`)
}

/** Sends batches at a steady rate, whatever the answers take. */
async function sendAll(target: TailTarget, { rowsPerSecond, batchRows, seconds }: Load): Promise<Batch[]> {
  const batches = Array.from({ length: Math.ceil((rowsPerSecond * seconds) / batchRows) }, (_, i) => ({
    rows: tailRows(batchRows, i * batchRows, Date.now()),
    sentMs: 0,
    ackedMs: 0,
  }))
  const startMs = performance.now()
  const posts: Promise<void>[] = []
  for (const [i, batch] of batches.entries()) {
    const waitMs = startMs + (i * batchRows * 1000) / rowsPerSecond - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    posts.push(post(target, batch))
  }
  await Promise.all(posts)
  return batches
}

interface Received {
  n: number
  id: string
  atMs: number
}

function readMessages({ filter, messages }: Subscriber): Received[] {
  return messages.flatMap(({ text, atMs }) => {
    const message = JSON.parse(text) as { type: string; log?: Log; logs?: Log[] }
    if (message.type === 'dropped') throw new Error(`"${filter.q}" was told ${text}`)
    return [...(message.log ? [message.log] : []), ...(message.logs ?? [])].map((log) => ({ n: log.attributes.n, id: log.id, atMs }))
  })
}

interface Log {
  id: string
  attributes: { n: number }
}

/** Throws unless these are exactly the rows that match, each once, in the order in which the shard keeps them. */
function checkExact({ filter }: Subscriber, received: readonly Received[], rows: readonly TailRow[]): void {
  const expected = rows.filter((row) => filter.matches(row)).map(({ n }) => n)
  const numbers = received.map(({ n }) => n).sort((a, b) => a - b)
  if (JSON.stringify(numbers) !== JSON.stringify(expected))
    throw new Error(`"${filter.q}" should get ${expected.length} rows and got ${numbers.length}, ${new Set(numbers).size} of them distinct`)
  for (const [i, { id }] of received.entries()) {
    if (i > 0 && id <= (received[i - 1]?.id ?? '')) throw new Error(`"${filter.q}" got ${id} after ${received[i - 1]?.id}`)
  }
}

/** `load.subscribers` WebSockets with different filters under `load.rowsPerSecond`; fails unless each gets exactly its rows. */
export async function measureTail(target: TailTarget, load: Load = defaultLoad): Promise<Figure[]> {
  const subscribers: Subscriber[] = []
  for (const filter of tailFilters(load.subscribers)) subscribers.push(await subscribe(target, filter))
  const startMs = performance.now()
  const batches = await sendAll(target, load)
  const sendingMs = performance.now() - startMs
  await drained(subscribers, batches)
  const rows = batches.flatMap((batch) => batch.rows)
  const fromAck: number[] = []
  const fromSend: number[] = []
  let delivered = 0
  for (const subscriber of subscribers) {
    const received = readMessages(subscriber)
    checkExact(subscriber, received, rows)
    delivered += received.length
    for (const { n, atMs } of received) {
      const batch = batches[Math.floor(n / load.batchRows)]
      if (!batch || batch.sentMs < startMs + warmUpSeconds * 1000) continue
      fromAck.push(atMs - batch.ackedMs)
      fromSend.push(atMs - batch.sentMs)
    }
    subscriber.socket.close()
  }
  return figuresOf(load, { rows: rows.length, delivered, sendingMs, fromAck, fromSend })
}

/** Waits until the subscriber without a filter has the last row and nothing more comes. */
async function drained(subscribers: readonly Subscriber[], batches: readonly Batch[]): Promise<void> {
  const total = batches.reduce((sum, { rows }) => sum + rows.length, 0)
  const endMs = performance.now() + drainMs
  const counted = () => subscribers.reduce((sum, { messages }) => sum + messages.length, 0)
  const all = subscribers.find(({ filter }) => filter.q === '')
  for (let before = -1; performance.now() < endMs;) {
    await new Promise((resolve) => setTimeout(resolve, 300))
    const now = counted()
    if (now === before && (!all || readMessages(all).length >= total)) return
    before = now
  }
}

interface Outcome {
  rows: number
  delivered: number
  sendingMs: number
  fromAck: number[]
  fromSend: number[]
}

function figuresOf({ subscribers }: Load, { rows, delivered, sendingMs, fromAck, fromSend }: Outcome): Figure[] {
  const rate = (count: number): number => (count * 1000) / sendingMs
  const latency = (name: string, values: number[], q: number): Figure => ({ name, value: quantile(values, q), unit: 'ms' })
  return [
    { name: `live tail, ${subscribers} subscribers, rows stored`, value: rate(rows), unit: 'rows/s' },
    { name: 'live tail, rows sent to subscribers, each exactly its own', value: rate(delivered), unit: 'rows/s' },
    latency('live tail, from acknowledgement to receipt, p50', fromAck, 0.5),
    latency('live tail, from acknowledgement to receipt, p95', fromAck, 0.95),
    { ...latency('live tail, from acknowledgement to receipt, p99', fromAck, 0.99), target: 100, higherIsBetter: false },
    latency('live tail, from sending to receipt, p50', fromSend, 0.5),
    latency('live tail, from sending to receipt, p95', fromSend, 0.95),
    latency('live tail, from sending to receipt, p99', fromSend, 0.99),
  ]
}

/**
 * `node test/bench/tail.ts [--subscribers 100] [--rate 5000] [--batch 250] [--seconds 15]`: alone, with a table and JSON.
 * With `--url`, `--ingest-key` and `--query-key` it drives a server that runs already.
 */
async function main(): Promise<void> {
  const { parseArgs } = await import('node:util')
  const text = { type: 'string' } as const
  const options = { subscribers: text, rate: text, batch: text, seconds: text, url: text, 'ingest-key': text, 'query-key': text }
  const { values } = parseArgs({ options })
  const load: Load = {
    subscribers: Number(values.subscribers ?? defaultLoad.subscribers),
    rowsPerSecond: Number(values.rate ?? defaultLoad.rowsPerSecond),
    batchRows: Number(values.batch ?? defaultLoad.batchRows),
    seconds: Number(values.seconds ?? defaultLoad.seconds),
  }
  const running = values.url === undefined ? await startBenchWorld() : undefined
  try {
    const given = { url: values.url ?? '', ingestKey: values['ingest-key'] ?? '', queryKey: values['query-key'] ?? '' }
    const figures = await measureTail(running ?? given, load)
    console.table(figures.map(({ name, value, unit }) => ({ name, value: Math.round(value * 10) / 10, unit })))
    console.log(JSON.stringify({ load, figures }))
  } finally {
    await running?.stop()
  }
}

if (import.meta.main) await main()
