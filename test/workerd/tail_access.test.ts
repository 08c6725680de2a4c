import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { tailTicketTtlMs } from '../../src/core/limits.ts'
import { memberships } from '../../src/db/schema.ts'
import { ticketType } from '../../src/features/tail/create_ticket.ts'
import { signJwt } from '../../src/features/auth/jwt.ts'
import { codeOf, getTicket, openTail, send, tailOf, upgrade } from '../support/tail.ts'
import { createWorld, testCtx } from '../support/world.ts'

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
  const expired = await signJwt(ctx, ticketType, 60, {
    jti: 'x',
    issued_ms: ctx.now(),
    organization_id: world.organizationId,
    holders: ['user:x'],
  })
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

test('a ticket is refused once the key or session it was made with has ended', async () => {
  const world = await createWorld()
  const query = await world.createKey('query')
  const ticket = await getTicket(world, query.key)
  await env.DB.prepare('UPDATE api_keys SET revoked_at = 1 WHERE id = ?').bind(query.id).run()
  expect(await codeOf(await upgrade(world, { ticket }))).toBe('invalid_token')
  const own = await getTicket(world)
  await env.DB.prepare('UPDATE users SET token_version = token_version + 1 WHERE id = ?').bind(world.owner.userId).run()
  expect(await codeOf(await upgrade(world, { ticket: own }))).toBe('invalid_token')
})

test('the end of a right refuses tickets from before, also after hibernation, and not those from after', async () => {
  const world = await createWorld()
  const ticket = await getTicket(world)
  const { issued_ms: issuedMs } = JSON.parse(atob(ticket.split('.')[1] ?? '')) as { issued_ms: number }
  await tailOf(world).revoke(`user:${world.owner.userId}`, issuedMs)
  while (Date.now() === issuedMs) await getTicket(world)
  await openTail(world)
  await evictDurableObject(tailOf(world), { webSockets: 'hibernate' })
  expect(await codeOf(await upgrade(world, { ticket }))).toBe('invalid_token')
})

test('a live tail ends with its key', async () => {
  const world = await createWorld()
  const query = await world.createKey('query')
  const ticket = await getTicket(world, query.key)
  const endsMs = Date.now() + 10_000
  await env.DB.prepare('UPDATE api_keys SET expires_at = ? WHERE id = ?').bind(endsMs, query.id).run()
  await openTail(world, { ticket })
  await runInDurableObject(tailOf(world), (_, state) => {
    expect(state.getWebSockets().map((socket) => socket.deserializeAttachment() as object)).toMatchObject([{ endsMs }])
  })
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
