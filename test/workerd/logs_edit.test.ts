import { env } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { problemOf } from '../support/app.ts'
import { row } from '../support/rows.ts'
import type { World } from '../support/world.ts'
import { createWorld } from '../support/world.ts'
import type { SearchBody } from './log_store.ts'
import { bodyOf, read, storeRows } from './log_store.ts'

const replacement = {
  timestamp: '2026-11-22T08:00:00.000000005Z',
  severity: 'warn',
  source: 'web',
  message: 'written anew',
  attributes: { 'a.b': 1, ok: true },
}

async function worldWithLog(): Promise<{ world: World; id: string }> {
  const world = await createWorld()
  await storeRows(world, [
    row({ message: 'as it came', attributes: { status: 200, user: 'ann', big: 2n ** 60n } }),
    row({ message: 'beside it' }),
  ])
  const { results } = await read<SearchBody>(world, '/search', { q: '"as it came"' })
  return { world, id: results[0]?.id ?? '' }
}

function change(world: World, id: string, method: string, json?: unknown, as = world.owner.accessToken) {
  return world.call(`/api/v1/logs/${id}`, { method, as, ...(json !== undefined && { json }) })
}

async function auditActions(world: World): Promise<unknown[]> {
  const rows = await env.DB.prepare(
    `SELECT action, target_id, actor_kind FROM audit_log WHERE organization_id = ? AND action LIKE 'log.%' ORDER BY rowid`,
  )
    .bind(world.organizationId)
    .all()
  return rows.results
}

test('PUT replaces the whole content, and searches see only the new one', async () => {
  const { world, id } = await worldWithLog()
  const before = await read<SearchBody['results'][0]>(world, `/${id}`)
  const after = await bodyOf<SearchBody['results'][0]>(await change(world, id, 'PUT', replacement))
  expect(after).toEqual({
    id,
    ...replacement,
    severity: 'WARNING',
    created_at: before.created_at,
    updated_at: expect.stringMatching(/Z$/) as unknown,
  })
  expect(await read(world, `/${id}`)).toEqual(after)
  expect((await read<SearchBody>(world, '/search', { q: '"as it came"' })).results).toEqual([])
  expect((await read<SearchBody>(world, '/search', { q: 'level:warning a.b:1' })).results).toEqual([after])
  expect(await read(world, '')).toMatchObject({ count: 2 })
})

test('PATCH merges, and null removes an attribute', async () => {
  const { world, id } = await worldWithLog()
  const after = await bodyOf<SearchBody['results'][0]>(
    await change(world, id, 'PATCH', { severity: 'ERROR', attributes: { status: 500, user: null } }),
  )
  expect(after).toMatchObject({ severity: 'ERROR', message: 'as it came', attributes: { status: 500 } })
  expect(after.attributes).not.toHaveProperty('user')
  expect(await (await world.call(`/api/v1/logs/${id}`, { as: world.owner.accessToken })).text()).toContain(`"big":${2n ** 60n}`)
})

test('DELETE takes the log out of every answer', async () => {
  const { world, id } = await worldWithLog()
  expect((await change(world, id, 'DELETE')).status).toBe(204)
  expect(await problemOf(await change(world, id, 'GET'))).toMatchObject({ status: 404, code: 'not_found' })
  expect(await problemOf(await change(world, id, 'DELETE'))).toMatchObject({ status: 404 })
  expect(await problemOf(await change(world, id, 'PATCH', { message: 'back?' }))).toMatchObject({ status: 404 })
  expect(await read(world, '')).toMatchObject({ count: 1, results: [{ message: 'beside it' }] })
  expect(await read(world, '/histogram')).toMatchObject({ count: 1 })
})

test('every change is in the audit log, with who made it', async () => {
  const { world, id } = await worldWithLog()
  const { key } = await world.createKey('admin')
  await change(world, id, 'PUT', replacement)
  await change(world, id, 'PATCH', { message: 'again' }, key)
  await change(world, id, 'DELETE')
  await change(world, id, 'DELETE')
  expect(await auditActions(world)).toEqual([
    { action: 'log.replace', target_id: id, actor_kind: 'user' },
    { action: 'log.update', target_id: id, actor_kind: 'api_key' },
    { action: 'log.delete', target_id: id, actor_kind: 'user' },
  ])
})

test('who may only read can change nothing', async () => {
  const { world, id } = await worldWithLog()
  const [viewer, member, ingest, query] = await Promise.all([
    world.addMember('viewer'),
    world.addMember('member'),
    world.createKey('ingest'),
    world.createKey('query'),
  ])
  for (const as of [viewer.accessToken, ingest.key, query.key]) {
    expect((await change(world, id, 'PATCH', { message: 'no' }, as)).status).toBe(403)
    expect((await change(world, id, 'DELETE', undefined, as)).status).toBe(403)
  }
  expect((await change(world, id, 'PATCH', { message: 'yes' }, member.accessToken)).status).toBe(200)
  expect((await change(world, id, 'DELETE', undefined, member.accessToken)).status).toBe(403)
  expect(await read(world, `/${id}`)).toMatchObject({ message: 'yes' })
})

test.each([
  ['PUT', {}],
  ['PUT', { ...replacement, id: 'other' }],
  ['PUT', { ...replacement, timestamp: 'soon' }],
  ['PUT', { ...replacement, severity: 'loud' }],
  ['PUT', { ...replacement, message: 5 }],
  ['PUT', { ...replacement, attributes: [] }],
  ['PUT', { ...replacement, attributes: { a: { b: 1 } } }],
  ['PUT', { ...replacement, attributes: { a: null } }],
  ['PUT', { ...replacement, attributes: { '': 1 } }],
  ['PUT', { ...replacement, attributes: { ['x'.repeat(257)]: 1 } }],
  ['PUT', { ...replacement, attributes: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`n${i}`, i])) }],
  ['PATCH', {}],
  ['PATCH', { attributes: { a: 2 ** 60 } }],
  ['PATCH', { created_at: '2026-11-22T08:00:00Z' }],
])('%s with %j is refused and changes nothing', async (method, json) => {
  const { world, id } = await worldWithLog()
  expect(await problemOf(await change(world, id, method, json))).toMatchObject({ status: 400, code: 'validation_failed' })
  expect(await read(world, `/${id}`)).toMatchObject({ message: 'as it came', updated_at: null })
  expect(await auditActions(world)).toEqual([])
})

test.each(['0', 'search2', '0000000000000', 'zzzzzzzzzzzzz', '../users', '%00', '0'.repeat(64)])(
  'the id %j leads to no log',
  async (id) => {
    const { world } = await worldWithLog()
    const response = await world.call(`/api/v1/logs/${encodeURIComponent(id)}`, { as: world.owner.accessToken })
    expect(await problemOf(response)).toMatchObject({ status: 404, code: 'not_found' })
  },
)

test('an attribute called __proto__ is one like any other', async () => {
  const { world, id } = await worldWithLog()
  await bodyOf(await change(world, id, 'PATCH', '{"attributes":{"__proto__":"x","constructor":"y"}}'))
  const text = await (await change(world, id, 'GET')).text()
  expect(text).toContain('"__proto__":"x"')
  expect(text).toContain('"constructor":"y"')
})
