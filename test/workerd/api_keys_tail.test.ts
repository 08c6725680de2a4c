import { env, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { codeOf, getTicket, openTail, tailOf, upgrade } from '../support/tail.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

/** Changes a key, and waits until a new ticket is later than the change. */
async function change(world: World, path: string, method: string, json: object): Promise<Response> {
  const response = await world.call(`/api/v1/api-keys/${path}`, { method, as: world.owner.accessToken, json })
  const changedMs = Date.now()
  while (Date.now() === changedMs) await getTicket(world)
  return response
}

test('rotating a key ends its live tails, and those that come back end with the grace', async () => {
  const world = await createWorld()
  const { id, key } = await world.createKey('query')
  const before = await openTail(world, { ticket: await getTicket(world, key) })
  const answer = await change(world, `${id}/rotate`, 'POST', { grace_seconds: 600 })
  const { key: next, previous_ends_at: end } = await answer.json<{ key: string; previous_ends_at: string }>()
  expect((await before.closed).code).toBe(4003)
  await openTail(world, { ticket: await getTicket(world, key) })
  await openTail(world, { ticket: await getTicket(world, next) })
  const ends = await runInDurableObject(tailOf(world), (_, state) =>
    state.getWebSockets().map((socket) => (socket.deserializeAttachment() as { endsMs: number }).endsMs),
  )
  expect(ends).toEqual([Date.parse(end), Date.parse(end)])
})

test('a key that may not read any more loses its live tails, and a ticket from elsewhere is refused', async () => {
  const world = await createWorld()
  const { id, key } = await world.createKey('admin')
  const tail = await openTail(world, { ticket: await getTicket(world, key) })
  expect((await change(world, id, 'PATCH', { scopes: ['logs:write'] })).status).toBe(200)
  expect((await tail.closed).code).toBe(4003)
  // Another isolate may still remember the old scopes and give a ticket.
  await env.DB.prepare(`UPDATE api_keys SET scopes = '["logs:read"]' WHERE id = ?`).bind(id).run()
  const { key: other } = await (await change(world, `${id}/rotate`, 'POST', { grace_seconds: 0 })).json<{ key: string }>()
  const ticket = await getTicket(world, other)
  await env.DB.prepare(`UPDATE api_keys SET scopes = '["logs:write"]' WHERE id = ?`).bind(id).run()
  expect(await codeOf(await upgrade(world, { ticket }))).toBe('invalid_token')
})
