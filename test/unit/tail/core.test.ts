import { expect, test } from 'vitest'
import {
  tailConnectionMs,
  tailQuietRowsMax,
  tailResumeRowsMax,
  tailStrikesMax,
  tailSubscribersMax,
  tailWindowRowsMax,
} from '../../../src/core/limits.ts'
import { createTailCore } from '../../../src/objects/live-tail/core.ts'
import type { FakeSocket, TailMessage } from './tail_world.ts'
import { checkConnection, positionsOf } from './tail_check.ts'
import { organizationId, plainConnect, plainTailDeps, TailWorld } from './tail_world.ts'

async function open(world: TailWorld, q = '', cursor?: string): Promise<FakeSocket> {
  const reply = world.connect(q, cursor)
  await world.settle()
  expect(await reply).toBeUndefined()
  const socket = world.sockets.at(-1)
  if (!socket) throw new Error('not accepted')
  return socket
}

async function store(world: TailWorld, rows: number, shard = 0): Promise<void> {
  world.append(world.shard(shard), rows)
  await world.settle()
}

const types = (socket: FakeSocket) => socket.messages.map(({ type }) => type)
const last = (socket: FakeSocket) => socket.messages.at(-1) as TailMessage & { cursor: string }
const seqs = (socket: FakeSocket) =>
  socket.messages
    .flatMap((message) => (message.type === 'log_created' ? [message.log] : message.type === 'log_batch' ? message.logs : []))
    .map(({ seq }) => seq)

test('the first message is "ready", a single row comes as log_created, several as log_batch', async () => {
  const world = new TailWorld(1)
  await store(world, 5)
  const socket = await open(world)
  await store(world, 1)
  await store(world, 3)
  expect(types(socket)).toEqual(['ready', 'log_created', 'log_batch'])
  expect(seqs(socket)).toEqual([6, 7, 8, 9])
})

test('a cursor resumes after its row, also in a shard that is younger than the cursor', async () => {
  const world = new TailWorld(1)
  const first = await open(world, 'red')
  await store(world, 30)
  world.disconnect(first)
  await store(world, 30)
  world.addShard()
  await store(world, 30, 1)
  const second = await open(world, 'red', last(first).cursor)
  const both = [...seqs(first), ...seqs(second)]
  expect(both).toHaveLength(30)
  expect(checkConnection(second)).toMatchObject({ received: 20, slow: 0, skipped: 0 })
})

test('a cursor that is too far behind is told how many rows were passed over, then the tail is live', async () => {
  const world = new TailWorld(1)
  const first = await open(world, 'red')
  world.disconnect(first)
  await store(world, tailResumeRowsMax)
  await store(world, 1)
  const second = await open(world, '', last(first).cursor)
  expect(second.messages.at(1)).toMatchObject({ type: 'dropped', reason: 'behind', count: tailResumeRowsMax + 1 })
  await store(world, 2)
  expect(seqs(second)).toEqual([tailResumeRowsMax + 2, tailResumeRowsMax + 3])
})

test('a client that acknowledges has one window of rows on their way; what is dropped is told with its next ack', async () => {
  const world = new TailWorld(1)
  const socket = await open(world)
  await store(world, 1)
  world.ack(socket, 1)
  for (let i = 0; i < 13; i++) world.append(world.shard(0), 1000)
  while (world.tasks.length > 0) await world.step(0)
  expect(seqs(socket)).toHaveLength(1 + tailWindowRowsMax)
  expect(types(socket)).not.toContain('dropped')
  world.ack(socket, socket.messages.length - 1)
  expect(last(socket)).toMatchObject({ type: 'dropped', reason: 'slow', count: 3000 })
  await store(world, 1)
  expect(last(socket)).toMatchObject({ type: 'log_created', log: { seq: 13_002 } })
  checkConnection(socket)
})

test('a client that catches up is paced by its acknowledgements and loses nothing', async () => {
  const world = new TailWorld(1)
  const first = await open(world)
  world.disconnect(first)
  for (let i = 0; i < 25; i++) await store(world, 1000)
  const second = await open(world, '', last(first).cursor)
  world.ack(second, 0)
  await world.settle()
  expect(checkConnection(second)).toEqual({ received: 25_000, slow: 0, skipped: 0 })
})

test('a client that does not acknowledge is told at once what its rate does not allow', async () => {
  const world = new TailWorld(1)
  const socket = await open(world)
  await store(world, 100_000)
  const { received, slow } = checkConnection(socket)
  expect(received).toBe(40_000)
  expect(slow).toBe(60_000)
  world.now += 1000
  await store(world, 1)
  expect(last(socket)).toMatchObject({ type: 'log_created', log: { seq: 100_001 } })
})

test('a filter that lets much go by gets a fresh cursor, so that resuming does not start far back', async () => {
  const world = new TailWorld(1)
  const socket = await open(world, 'nothing')
  await store(world, tailQuietRowsMax)
  expect(types(socket)).toEqual(['ready', 'cursor'])
  expect(positionsOf(last(socket).cursor).get(0)).toBe(tailQuietRowsMax)
})

test('rows of a damaged block are told as dropped, and the tail goes on', async () => {
  const world = new TailWorld(1)
  const socket = await open(world)
  world.append(world.shard(0), 7, true)
  await store(world, 1)
  expect(socket.messages.slice(1)).toMatchObject([
    { type: 'dropped', reason: 'damaged', count: 7 },
    { type: 'log_created', log: { seq: 8 } },
  ])
  expect(world.logLines).toBe(1)
})

test('shards stop delivering when nobody watches, and start again with the next subscriber', async () => {
  const world = new TailWorld(1)
  await store(world, 1)
  expect(world.shard(0).watched).toBe(false)
  const socket = await open(world)
  expect(world.shard(0).watched).toBe(true)
  world.disconnect(socket)
  await store(world, 1)
  expect(world.shard(0).watched).toBe(false)
})

test('each distinct query is evaluated once a block, and each row that is sent becomes JSON once', async () => {
  const calls = { select: 0, rows: 0 }
  const sent: string[] = []
  const tail = createTailCore<number>({
    ...plainTailDeps,
    now: () => 0,
    send: (_, text) => void sent.push(text),
    watch: async () => ({ lastSeq: 0 }),
    openBlock: () => ({
      select: (filter) => (calls.select++, filter.kind === 'all' ? [0, 1, 2, 3] : [1, 3]),
      texts: (rows) => rows.map((row) => (calls.rows++, `{"row":${row}}`)),
      release: () => undefined,
    }),
  })
  for (let socket = 0; socket < 40; socket++) {
    expect(await tail.connect({ ...plainConnect, q: socket % 2 ? 'odd' : '' }, () => socket)).toBeUndefined()
  }
  const meta = { firstSeq: 1, rows: 4, minMs: 0, maxMs: 0, severityCounts: [0, 0, 4, 0, 0, 0], bytes: 0 }
  tail.deliver({ organizationId, region: 'weur', shard: 0 }, [{ meta, head: new Uint8Array(), body: new Uint8Array() }])
  expect(calls).toEqual({ select: 2, rows: 4 })
  const batches = sent.filter((text) => text.startsWith('{"type":"log_batch"'))
  expect(batches).toHaveLength(40)
  expect(new Set(batches).size).toBe(2)
})

test.each([
  ['query', { q: 'status:>=(' }],
  ['cursor', { cursor: 'nonsense' }],
])('a restored connection whose %s is not understood is closed, and the others go on', async (_, broken) => {
  const world = new TailWorld(1)
  await store(world, 5)
  const [lost, kept] = [await open(world), await open(world)]
  Object.assign(lost.attachment ?? {}, broken)
  world.restartTail()
  await store(world, 2)
  expect(lost).toMatchObject({ open: false, closeCode: 4001 })
  expect(seqs(lost)).toEqual([])
  expect(seqs(kept)).toEqual([6, 7])
})

test('one organization cannot be given the rows of another', async () => {
  const world = new TailWorld(1)
  await open(world)
  const foreign = { organizationId: 'other', region: 'weur', shard: 0 }
  const meta = { firstSeq: 1, rows: 1, minMs: 0, maxMs: 0, severityCounts: [0, 0, 1, 0, 0, 0], bytes: 0 }
  expect(() => world.tail.deliver(foreign, [{ meta, head: new Uint8Array(), body: new Uint8Array() }])).toThrow('not of other')
})

test('a connection gets no row once it is too old', async () => {
  const world = new TailWorld(1)
  const socket = await open(world)
  world.now += tailConnectionMs
  await store(world, 1)
  expect(socket).toMatchObject({ open: false, closeCode: 4001 })
  expect(types(socket)).toEqual(['ready'])
})

test('a connection gets no row after its key or session expired', async () => {
  const world = new TailWorld(1)
  world.accessEndsMs = world.now + 5000
  const socket = await open(world)
  world.now += 4999
  await store(world, 1)
  world.restartTail()
  world.now += 1
  await store(world, 1)
  expect(socket).toMatchObject({ open: false, closeCode: 4001 })
  expect(types(socket)).toEqual(['ready', 'log_created'])
})

test('a ticket from before its right ended is refused, also when it ends while the connection is set up', async () => {
  const world = new TailWorld(1)
  const early = world.connect('')
  world.tail.revoke('user:ann', world.now, [])
  await world.settle()
  expect(await early).toMatchObject({ code: 'invalid_token' })
  expect(await world.connect('')).toMatchObject({ code: 'invalid_token' })
  expect(world.sockets).toEqual([])
  world.now += 1
  await open(world)
})

test('a ticket works once', async () => {
  const world = new TailWorld(1)
  await Promise.all([world.connect('', undefined, 'same'), world.settle()])
  expect(await world.connect('', undefined, 'same')).toMatchObject({ code: 'invalid_token' })
  expect(world.sockets).toHaveLength(1)
})

test('a query or cursor that is no good is refused and leaves the ticket unused', async () => {
  const world = new TailWorld(1)
  expect(await world.connect('(', undefined, 'same')).toMatchObject({ code: 'invalid_query' })
  expect(await world.connect('', 'AQAAAAA', 'same')).toMatchObject({ code: 'invalid_cursor' })
  expect(world.usedTickets.size).toBe(0)
})

test('an organization has a limited number of subscribers', async () => {
  const world = new TailWorld(1)
  const replies = Array.from({ length: tailSubscribersMax + 1 }, (_, i) => world.connect('', undefined, `${i}`))
  await world.settle()
  const refused = (await Promise.all(replies)).filter((reply) => reply !== undefined)
  expect(refused).toEqual([expect.objectContaining({ code: 'rate_limited' })])
})

test('what a client sends is answered, and too much of what is not understood ends the connection', async () => {
  const world = new TailWorld(1)
  const socket = await open(world)
  world.tail.message(socket, '{"type":"ping"}')
  expect(last(socket).type).toBe('pong')
  for (const bad of [
    'nonsense',
    '{"type":"ack"}',
    '{"type":"ack","cursor":"*"}',
    '{"type":"ping","more":1}',
    '[]',
    'null',
    '{"type":"subscribe"}',
  ]) {
    world.tail.message(socket, bad)
    expect(last(socket)).toMatchObject({ type: 'error', code: 'bad_message' })
  }
  for (let i = 7; i < tailStrikesMax; i++) world.tail.message(socket, '')
  expect(socket).toMatchObject({ open: false, closeCode: 1008 })
})

test('binary and oversize messages end the connection', async () => {
  const world = new TailWorld(1)
  const [binary, long] = [await open(world), await open(world)]
  world.tail.message(binary, new ArrayBuffer(1))
  world.tail.message(long, ' '.repeat(20_000))
  expect([binary.closeCode, long.closeCode]).toEqual([1003, 1009])
})

test('whoever asks what takes too much time is told and cut off, and the others get their rows', async () => {
  const world = new TailWorld(1)
  const slow = await open(world, 'slow')
  const other = await open(world, 'red')
  await store(world, 30)
  expect(types(slow)).toEqual(['ready', 'error'])
  expect(slow.open).toBe(false)
  expect(checkConnection(other)).toMatchObject({ received: 10, slow: 0, skipped: 0 })
})
