import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, test, vi } from 'vitest'
import { tailTicketTtlMs } from '../../src/core/limits.ts'
import { memberships } from '../../src/db/schema.ts'
import { ticketType } from '../../src/features/tail/create_ticket.ts'
import { signJwt } from '../../src/features/auth/jwt.ts'
import { getTicket, openTail, upgrade } from '../support/tail.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

async function send(world: World, messages: string[], more: Record<string, unknown> = {}): Promise<void> {
  const response = await world.call('/api/v1/logs', {
    as: world.owner.accessToken,
    json: messages.map((message) => ({ message, ...more })),
  })
  expect(response.status).toBe(202)
}

async function codeOf(response: Response): Promise<string> {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json')
  return (await response.json<{ code: string }>()).code
}

const tailOf = (world: World) => env.LIVE_TAIL.getByName(world.organizationId)

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

test('a ticket works once', async () => {
  const world = await createWorld()
  const ticket = await getTicket(world)
  await openTail(world, { ticket })
  const again = await upgrade(world, { ticket })
  expect(again.status).toBe(401)
  expect(await codeOf(again)).toBe('invalid_token')
})

test('an expired ticket, an access token and a made-up one are refused', async () => {
  const world = await createWorld()
  const ctx = { ...testCtx(), now: () => Date.now() - tailTicketTtlMs - 5000 }
  const expired = await signJwt(ctx, ticketType, 60, { jti: 'x', organization_id: world.organizationId, holders: ['user:x'] })
  expect(await codeOf(await upgrade(world, { ticket: expired }))).toBe('token_expired')
  expect(await codeOf(await upgrade(world, { ticket: world.owner.accessToken }))).toBe('invalid_token')
  expect(await codeOf(await upgrade(world, { ticket: 'a.b.c' }))).toBe('invalid_token')
})

test('used tickets are forgotten after they expired', async () => {
  const world = await createWorld()
  await openTail(world)
  const count = (state: DurableObjectState) => state.storage.sql.exec('SELECT count(*) AS n FROM used_tickets').one()['n']
  await runInDurableObject(tailOf(world), (_, state) => {
    expect(count(state)).toBe(1)
    state.storage.sql.exec('UPDATE used_tickets SET expires_ms = 1')
  })
  await openTail(world)
  await runInDurableObject(tailOf(world), (_, state) => expect(count(state)).toBe(1))
})

test('a query key gets a ticket, an ingest key and a stranger do not', async () => {
  const world = await createWorld()
  const query = await world.createKey('query')
  const ingest = await world.createKey('ingest')
  expect((await getTicket(world, query.key)).length).toBeGreaterThan(100)
  expect((await world.call('/api/v1/logs/tail-ticket', { method: 'POST', as: ingest.key })).status).toBe(403)
  expect((await world.call('/api/v1/logs/tail-ticket', { method: 'POST' })).status).toBe(401)
})

test('the ticket comes with its end and an address to connect to', async () => {
  const world = await createWorld()
  const response = await world.call('/api/v1/logs/tail-ticket', { method: 'POST', as: world.owner.accessToken })
  const body = await response.json<{ ticket: string; expires_at: string; url: string }>()
  expect(body.url).toBe(`${testCtx().config.publicUrl.replace('http', 'ws')}/ws/logs?ticket=${body.ticket}`)
  expect(Date.parse(body.expires_at) - Date.now()).toBeLessThanOrEqual(tailTicketTtlMs)
})

test('a bad query is refused before the upgrade, and the ticket still works', async () => {
  const world = await createWorld()
  const ticket = await getTicket(world)
  const refused = await upgrade(world, { ticket, q: 'status:>=(' })
  expect(refused.status).toBe(400)
  expect(await codeOf(refused)).toBe('invalid_query')
  expect((await upgrade(world, { ticket, q: 'status:>=500' })).status).toBe(101)
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

test('revoking a key ends its live tails, and no other', async () => {
  const world = await createWorld()
  const query = await world.createKey('query')
  const byKey = await openTail(world, { ticket: await getTicket(world, query.key) })
  const byOwner = await openTail(world)
  expect((await world.call(`/api/v1/api-keys/${query.id}`, { method: 'DELETE', as: world.owner.accessToken })).status).toBe(204)
  expect((await byKey.closed).code).toBe(4003)
  await send(world, ['still here'])
  expect(await byOwner.logs(1)).toHaveLength(1)
})

test('logging out ends the live tails of the session, and logging out everywhere all of the person', async () => {
  const world = await createWorld()
  const { email, password } = world.owner
  const login = () =>
    world.call('/api/v1/auth/login', { json: { email, password } }).then((answer) => answer.json<{ access_token: string }>())
  const [first, second] = [await login(), await login()]
  const byFirst = await openTail(world, { ticket: await getTicket(world, first.access_token) })
  const bySecond = await openTail(world, { ticket: await getTicket(world, second.access_token) })
  expect((await world.call('/api/v1/auth/logout', { method: 'POST', as: first.access_token })).status).toBe(204)
  expect((await byFirst.closed).code).toBe(4003)
  await send(world, ['still here'])
  expect(await bySecond.logs(1)).toHaveLength(1)
  expect((await world.call('/api/v1/auth/logout-all', { method: 'POST', as: world.owner.accessToken })).status).toBe(204)
  expect((await bySecond.closed).code).toBe(4003)
})

test('logging out ends live tails in every organization of the person', async () => {
  const [home, away] = [await createWorld(), await createWorld()]
  await testCtx()
    .db.insert(memberships)
    .values({ userId: home.owner.userId, organizationId: away.organizationId, role: 'viewer', createdAt: 1 })
  const headers = { 'X-Organization-Id': away.organizationId }
  const answer = await home.call('/api/v1/logs/tail-ticket', { method: 'POST', as: home.owner.accessToken, headers })
  const { ticket } = await answer.json<{ ticket: string }>()
  const tails = [await openTail(home), await openTail(away, { ticket })]
  await home.call('/api/v1/auth/logout', { method: 'POST', as: home.owner.accessToken })
  expect(await Promise.all(tails.map(({ closed }) => closed))).toMatchObject([{ code: 4003 }, { code: 4003 }])
})

test('a stolen refresh token ends the live tails with the session', async () => {
  const world = await createWorld()
  const tail = await openTail(world)
  const refresh = (token: string) => world.call('/api/v1/auth/refresh', { json: { refresh_token: token } })
  const { refresh_token: next } = await (await refresh(world.owner.refreshToken)).json<{ refresh_token: string }>()
  expect((await refresh(next)).status).toBe(200)
  expect((await refresh(world.owner.refreshToken)).status).toBe(401)
  expect((await tail.closed).code).toBe(4003)
})
