import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, test, vi } from 'vitest'
import { dayMs } from '../../src/core/calendar.ts'
import { createBlockBuilder } from '../../src/engine/block/writer.ts'
import { row } from '../support/rows.ts'
import { codeOf, getTicket, openTail, send, tailOf, upgrade } from '../support/tail.ts'
import { freeSettings, usageOfRows } from '../support/usage.ts'
import { createWorld } from '../support/world.ts'
import { shardStub } from './log_store.ts'

test('new logs reach a subscriber as the API shows them, in order; old ones do not', async () => {
  const world = await createWorld()
  await send(world, ['before'])
  const tail = await openTail(world)
  await send(world, ['one', 'two'], { source: 'api', severity: 'error', status: 502 })
  const logs = await tail.logs(2)
  expect(logs.map(({ message }) => message)).toEqual(['one', 'two'])
  const stored = await world.call(`/api/v1/logs/${logs[0]?.id}`, { as: world.owner.accessToken })
  expect(logs[0]).toEqual(await stored.json())
})

test('a subscriber gets what matches its query and nothing else', async () => {
  const world = await createWorld()
  const tail = await openTail(world, { q: 'level:>=error -source:web' })
  await send(world, ['a'], { severity: 'info', source: 'api' })
  await send(world, ['b'], { severity: 'critical', source: 'web' })
  await send(world, ['c'], { severity: 'critical', source: 'api' })
  expect(await tail.next()).toMatchObject({ type: 'log_created', log: { message: 'c', source: 'api', severity: 'CRITICAL' } })
  expect(tail.waiting()).toEqual([])
})

test('another organization sees none of it', async () => {
  const [ours, theirs] = [await createWorld(), await createWorld()]
  const tail = await openTail(ours)
  await send(theirs, ['secret'])
  await send(ours, ['ours'])
  expect((await tail.logs(1)).map(({ message }) => message)).toEqual(['ours'])
  expect(tail.waiting()).toEqual([])
})

test('the cursor of another organization is refused', async () => {
  const [ours, theirs] = [await createWorld(), await createWorld()]
  const cursor = (await openTail(theirs)).cursor()
  const response = await upgrade(ours, { ticket: await getTicket(ours), cursor })
  expect(response.status).toBe(400)
  expect(await codeOf(response)).toBe('invalid_cursor')
})

test('a request that is no upgrade is told so', async () => {
  const world = await createWorld()
  const response = await world.call(`/ws/logs?ticket=${await getTicket(world)}`)
  expect(response.status).toBe(426)
  expect(response.headers.get('Upgrade')).toBe('websocket')
  expect(await codeOf(response)).toBe('upgrade_required')
})

test('a cursor goes on where the connection ended, without gap or repeat', async () => {
  const world = await createWorld()
  const first = await openTail(world, { q: 'even' })
  const words = (from: number) => Array.from({ length: 50 }, (_, i) => `${from + i} ${i % 2 ? 'odd' : 'even'}`)
  await send(world, words(0))
  const before = await first.logs(25)
  first.socket.close(1000)
  await send(world, words(50))
  await send(world, words(100))
  const second = await openTail(world, { q: 'even', cursor: first.cursor() })
  await send(world, words(150))
  const after = await second.logs(75)
  expect([...before, ...after].map(({ message }) => Number.parseInt(message, 10))).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i))
})

test('a deleted log is not shown to a tail that resumes', async () => {
  const world = await createWorld()
  const first = await openTail(world)
  first.socket.close(1000)
  await send(world, ['kept', 'gone'])
  const list = await (await world.call('/api/v1/logs/search?q=gone', { as: world.owner.accessToken })).json<{ results: { id: string }[] }>()
  const deleted = await world.call(`/api/v1/logs/${list.results[0]?.id}`, { method: 'DELETE', as: world.owner.accessToken })
  expect(deleted.status).toBe(204)
  const second = await openTail(world, { cursor: first.cursor() })
  await send(world, ['next'])
  expect((await second.logs(2)).map(({ message }) => message)).toEqual(['kept', 'next'])
})

test.each(['hot', 'sealed'])('a tail that resumes sees no %s log that has expired by the present settings', async (where) => {
  const world = await createWorld()
  await send(world, ['first'])
  const first = await openTail(world)
  first.socket.close(1000)
  const { rpc, identity } = await shardStub(world)
  for (const [message, daysAgo] of [
    ['old', 2.5],
    ['new', 1.5],
  ] as const) {
    const builder = createBlockBuilder(Date.now() - daysAgo * dayMs)
    builder.add(row({ message }))
    await rpc.append({ identity, blocks: builder.finish(), usage: usageOfRows(1), settings: freeSettings(identity) })
  }
  if (where === 'sealed') await rpc.sealNow(identity)
  const resume = async (days: number) => {
    const changed = await world.call('/api/v1/logs/retention', { as: world.owner.accessToken, method: 'PUT', json: { days } })
    expect(changed.status).toBe(200)
    const tail = await openTail(world, { cursor: first.cursor() })
    await send(world, [`last of ${days}`])
    const messages: string[] = []
    while (messages.at(-1) !== `last of ${days}`) messages.push(...(await tail.logs(1)).map(({ message }) => message))
    return messages.filter((message) => !message.startsWith('last'))
  }
  expect(await resume(3)).toEqual(['old', 'new'])
  expect(await resume(2)).toEqual(['new'])
  expect(await resume(1)).toEqual([])
})

test('sockets outlive the object: after hibernation the tail goes on where it stood', async () => {
  const world = await createWorld()
  const tail = await openTail(world, { q: 'wanted' })
  await send(world, ['wanted 1'])
  await tail.logs(1)
  await evictDurableObject(tailOf(world), { webSockets: 'hibernate' })
  await send(world, ['other', 'wanted 2'])
  await evictDurableObject(tailOf(world), { webSockets: 'hibernate' })
  await send(world, ['wanted 3'])
  expect((await tail.logs(2)).map(({ message }) => message)).toEqual(['wanted 2', 'wanted 3'])
  expect(tail.waiting()).toEqual([])
})

test('a socket whose query is no longer understood is closed after hibernation, with a warning, and the others go on', async () => {
  const world = await createWorld()
  const [lost, kept] = [await openTail(world, { q: 'lost' }), await openTail(world)]
  await runInDurableObject(tailOf(world), (_, state) => {
    for (const socket of state.getWebSockets()) {
      const attachment = socket.deserializeAttachment() as { q: string }
      if (attachment.q === 'lost') socket.serializeAttachment({ ...attachment, q: 'status:>=(' })
    }
  })
  const log = vi.spyOn(console, 'log')
  await evictDurableObject(tailOf(world), { webSockets: 'hibernate' })
  await send(world, ['one'])
  expect((await kept.logs(1)).map(({ message }) => message)).toEqual(['one'])
  expect((await lost.closed).code).toBe(4001)
  const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)) as object)
  log.mockRestore()
  expect(lines).toContainEqual({
    level: 'warning',
    message: 'tail not restored',
    object: 'live_tail',
    organizationId: world.organizationId,
    reason: 'query',
  })
})

test('"ping" is answered without waking the object', async () => {
  const world = await createWorld()
  const tail = await openTail(world)
  tail.socket.send('ping')
  expect(await tail.next()).toEqual({ type: 'auto pong' })
  tail.socket.send('{"type":"ping"}')
  expect(await tail.next()).toEqual({ type: 'pong' })
})

test('a binary message closes the connection', async () => {
  const world = await createWorld()
  const tail = await openTail(world)
  tail.socket.send(new Uint8Array([1]))
  expect((await tail.closed).code).toBe(1003)
})

test('a client that stops acknowledging is told how many rows it missed', async () => {
  const world = await createWorld()
  const tail = await openTail(world)
  await send(world, ['first'])
  await tail.logs(1)
  tail.socket.send(JSON.stringify({ type: 'ack', cursor: tail.cursor() }))
  tail.socket.send('{"type":"ping"}')
  expect((await tail.next()).type).toBe('pong')
  await send(
    world,
    Array.from({ length: 12_000 }, (_, i) => `row ${i}`),
  )
  expect(await tail.logs(10_000)).toHaveLength(10_000)
  tail.socket.send(JSON.stringify({ type: 'ack', cursor: tail.cursor() }))
  expect(await tail.next()).toMatchObject({ type: 'dropped', reason: 'slow', count: 2000 })
})
