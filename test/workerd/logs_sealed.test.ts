import { env } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import { afterEach, expect, test } from 'vitest'
import { problemOf } from '../support/app.ts'
import { accessRows, row } from '../support/rows.ts'
import type { World } from '../support/world.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { Exports } from '../../src/config.ts'
import { createRunCosts } from '../../src/core/cost_meter.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { isDamageKnown } from '../../src/db/damaged_segments.ts'
import { aggregateLogs } from '../../src/search/aggregate.ts'
import { exportLogs } from '../../src/search/export.ts'
import { readPage } from '../../src/search/pages.ts'
import { queryDeps } from '../../src/search/query_deps.ts'
import { createBase } from '../../src/http/context.ts'
import { createLog } from '../../src/core/log.ts'
import { searchLogs } from '../../src/search/search.ts'
import { shardsOf } from '../../src/search/shards.ts'
import type { SearchBody } from './log_store.ts'
import { read, readRaw, shardStub, storeRows } from './log_store.ts'

/** All files share one database, and the health check looks at all of it. */
afterEach(() => env.DB.prepare('DELETE FROM damaged_segments').run())

/** Seals all that is hot, and answers the keys of all segments, in the order of their sequence numbers. */
async function seal(world: World): Promise<string[]> {
  const { rpc, identity } = await shardStub(world)
  const { segments } = await rpc.sealNow(identity)
  return segments.toSorted((a, b) => a.minSeq - b.minSeq).map(({ key }) => key)
}

async function text(world: World, path: string, query: Record<string, string>): Promise<string> {
  const response = await readRaw(world, path, query)
  return `${response.status} ${await response.text()}`.replace(/"stats":\{[^}]*\}/, '')
}

test('sealed logs give every answer that hot ones gave', async () => {
  const world = await createWorld()
  for (let i = 0; i < 3; i++) await storeRows(world, accessRows(400, i + 1))
  const questions: [string, Record<string, string>][] = [
    ['/search', { q: 'products status:>=500', limit: '20' }],
    ['/search', { q: '', order: 'oldest', limit: '500' }],
    ['', { search: 'GET', severity: 'error', page: '2', page_size: '10' }],
    ['/histogram', { q: '' }],
    ['/histogram', { q: 'source:web', interval: '1s' }],
    ['/facets', { q: 'status:502', fields: 'severity,source,path' }],
    ['/export', { q: 'level:error', format: 'csv', order: 'oldest' }],
    ['/export', { q: '', format: 'ndjson' }],
  ]
  const ask = () => Promise.all(questions.map(([path, query]) => text(world, path, query)))
  const hot = await ask()
  await seal(world)
  // A cursor carries no place of storage, so that even the addresses of next pages stay the same.
  expect(await ask()).toEqual(hot)
  const { stats } = await read<SearchBody>(world, '/search', { q: 'products' })
  expect(stats).toMatchObject({ segments_considered: 1, segments_read: 1 })
  expect(stats['object_reads']).toBeGreaterThan(0)
  expect(stats['object_bytes']).toBeGreaterThan(0)
})

test('pages hold each log once while logs arrive and are sealed between them', async () => {
  const world = await createWorld()
  for (let i = 0; i < 3; i++) await storeRows(world, accessRows(100, i + 1))
  const ids: string[] = []
  let cursor: string | null = ''
  for (let n = 0; cursor !== null; n++) {
    const page: SearchBody = await read<SearchBody>(world, '/search', { limit: 70, ...(cursor !== '' && { cursor }) })
    ids.push(...page.results.map(({ id }) => id))
    cursor = page.next
    if (n === 1) await seal(world)
    if (n === 0 || n === 2) await storeRows(world, accessRows(20, 9))
  }
  expect(ids).toHaveLength(300)
  expect(new Set(ids).size).toBe(300)
})

test('a sealed log is read, edited and deleted by its id', async () => {
  const world = await createWorld()
  await storeRows(world, [row({ message: 'one' }), row({ message: 'two' }), row({ message: 'three' })])
  await seal(world)
  const { results } = await read<SearchBody>(world, '/search', { order: 'oldest' })
  const [one, two, three] = results
  expect(await read(world, `/${one!.id}`)).toEqual(one)
  const patched = await world.call(`/api/v1/logs/${two!.id}`, {
    method: 'PATCH',
    as: world.owner.accessToken,
    json: { message: 'edited', attributes: { a: 1 } },
  })
  expect(await patched.json()).toMatchObject({ ...two, message: 'edited', attributes: { a: 1 }, updated_at: expect.any(String) as unknown })
  const gone = await world.call(`/api/v1/logs/${three!.id}`, { method: 'DELETE', as: world.owner.accessToken })
  expect(gone.status).toBe(204)
  expect((await readRaw(world, `/${three!.id}`)).status).toBe(404)
  const after = await read<SearchBody>(world, '/search', { order: 'oldest' })
  expect(after.results.map(({ id, message }) => [id, message])).toEqual([
    [one!.id, 'one'],
    [two!.id, 'edited'],
  ])
  expect((await read<SearchBody>(world, '/search', { q: 'two' })).results).toEqual([])
})

interface DamagedBody extends SearchBody {
  damaged?: { segment: string; reason: string }[]
}

/** Three logs an hour apart, each in a segment of its own. */
async function threeSegments(): Promise<{ world: World; keys: string[] }> {
  const world = await createWorld()
  let keys: string[] = []
  for (const [i, message] of ['one', 'two', 'three'].entries()) {
    const many = Array.from({ length: 40 }, (_, n) => row({ message: `${message} ${n}`, timestampMs: Date.UTC(2026, 10, 22, 7 + i) + n }))
    await storeRows(world, many)
    keys = await seal(world)
  }
  return { world, keys }
}

const damages: [string, (bytes: Uint8Array) => Uint8Array | null][] = [
  ['has a wrong bit in a body', (bytes) => bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte))],
  ['has a wrong bit in its index', (bytes) => bytes.map((byte, i) => (i === bytes.length - 60 ? byte ^ 1 : byte))],
  ['is cut short', (bytes) => bytes.slice(0, -100)],
  ['is not there', () => null],
]

test.each(damages)('a segment that %s is named, the rest is answered, and the service is degraded', async (_, damage) => {
  const { world, keys } = await threeSegments()
  const key = keys[1]!
  const bytes = new Uint8Array(await (await env.STORAGE.get(key))!.arrayBuffer())
  const damaged = damage(bytes)
  if (damaged === null) await env.STORAGE.delete(key)
  else await env.STORAGE.put(key, damaged)

  const page = await read<DamagedBody>(world, '/search', { limit: 500 })
  expect(page.results).toHaveLength(80)
  expect(page).toMatchObject({ partial: true, next: null, damaged: [{ segment: key, reason: expect.any(String) as unknown }] })
  const facets = await read<DamagedBody>(world, '/facets', { fields: 'message' })
  expect(facets).toMatchObject({ partial: true, damaged: [{ segment: key }], facets: [{ count: 80 }] })
  expect(await read(world, '', {})).toMatchObject({ damaged: [{ segment: key }] })
  const lost = await readRaw(world, `/${page.results[0]!.id}`)
  expect(lost.status).toBe(200)

  const rows = await env.DB.prepare('SELECT segment FROM damaged_segments WHERE organization_id = ?').bind(world.organizationId).all()
  expect(rows.results).toEqual([{ segment: key }])
  expect(await isDamageKnown(testCtx())).toBe(true)
})

test('a log whose segment is damaged is a 503 that says so, not a 404', async () => {
  const { world, keys } = await threeSegments()
  const { results } = await read<SearchBody>(world, '/search', { q: 'two', limit: 1 })
  await env.STORAGE.delete(keys[1]!)
  expect(await problemOf(await readRaw(world, `/${results[0]!.id}`))).toMatchObject({ status: 503, code: 'damaged_block' })
})

test('a query is a clean failure while the object storage cannot be reached', async () => {
  const { world } = await threeSegments()
  const failing = { get: () => Promise.reject(new Error('get: an internal error (10001)')) } as unknown as R2Bucket
  const tenant = { organizationId: world.organizationId, accountId: world.accountId, logSettings: { retentionDays: null } }
  const ctx = { ...testCtx(), env: { ...env, STORAGE: failing }, tenant } as unknown as TenantCtx
  await expect(searchLogs(ctx, { q: '', order: 'newest', limit: 10 })).rejects.toThrow('the object storage did not answer')
})

test('logs that were received before the retention of the organization are not shown', async () => {
  const { world } = await threeSegments()
  const tenant = { organizationId: world.organizationId, accountId: world.accountId, logSettings: { retentionDays: 1 } }
  const base = testCtx()
  const ctx = { ...base, now: () => base.now() + 365 * 86_400_000, tenant } as unknown as TenantCtx
  expect((await searchLogs(ctx, { q: '', order: 'newest', limit: 10 })).results).toEqual([])
})

test('large queries and exports run in further invocations of the Worker, with the same answers', async () => {
  const { world } = await threeSegments()
  await storeRows(world, [row({ message: 'hot', timestampMs: Date.UTC(2026, 10, 22, 8, 30) })])
  const tenant = { organizationId: world.organizationId, accountId: world.accountId, logSettings: { retentionDays: null } }
  const ctx = { ...testCtx(), exports: exports as unknown as Exports, tenant } as unknown as TenantCtx
  const away = { ...queryDeps(ctx), limits: { inPlaceBytes: 0, chunkBytes: 1e6, chunkSegments: 1, fanOut: 2, bytesMax: 1e9 } }
  const shards = await shardsOf(ctx)
  const question = { q: 'message:~"o|e"', range: { fromMs: 0, toMs: 1e13 } }
  const counted = await aggregateLogs(away, shards, question, { kind: 'count' })
  expect(counted).toMatchObject({ result: { count: 121 }, budgetEnded: false, cost: { segmentsRead: 3 } })
  const page = await readPage(away, shards, { ...question, order: 'newest' }, 500)
  expect(page.rows).toHaveLength(121)
  expect(page.next).toBeNull()

  const { body } = await exportLogs(ctx, { q: '', order: 'oldest', format: 'csv', fields: ['message'] })
  const lines = (await new Response(body).text()).trimEnd().split('\r\n')
  expect(lines).toHaveLength(122)
  expect([lines[1], lines[80], lines[81], lines[82], lines[121]]).toEqual(['one 0', 'two 39', 'hot', 'three 0', 'three 39'])
})

test('what shards and further invocations spend on a query is counted with the query', async () => {
  const { world } = await threeSegments()
  const tenant = { organizationId: world.organizationId, accountId: world.accountId, logSettings: { retentionDays: null } }
  const costs = createRunCosts({ add: () => undefined })
  const origin = { costs, requestId: 'x', clientAddress: '', exports: exports as unknown as Exports, waitUntil: () => undefined }
  const ctx = { ...createBase(env, { ...origin, log: createLog('x') }), tenant } as unknown as TenantCtx
  const away = { ...queryDeps(ctx), limits: { inPlaceBytes: 0, chunkBytes: 1e6, chunkSegments: 1, fanOut: 2, bytesMax: 1e9 } }
  const shards = await shardsOf(ctx)
  const question = { q: 'message:~"o|e"', range: { fromMs: 0, toMs: 1e13 } }
  const { cost } = await aggregateLogs(away, shards, question, { kind: 'count' })
  expect(cost.segmentsRead).toBe(3)
  // A call of the shard is billed, calls within the Worker are not.
  expect(costs.counts).toMatchObject({ do_requests: 1, r2_class_b: cost.objectReads, r2_bytes_read: cost.objectBytes })
  expect(costs.counts.r2_class_b).toBeGreaterThan(0)
})
