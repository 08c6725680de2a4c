import { createExecutionContext, env, evictDurableObject, runInDurableObject, waitOnExecutionContext } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { encodeLogId, shardName } from '../../src/core/ids.ts'
import { verifyApiKey } from '../../src/features/api-keys/verify.ts'
import { verifySession } from '../../src/features/auth/verify_session.ts'
import { createRateLimiter } from '../../src/http/rate_limit.ts'
import type { LogShardEnv } from '../../src/objects/log-shard/env.ts'
import { LogShard } from '../../src/objects/log-shard/object.ts'
import { routes } from '../../src/routes.ts'
import { eraseLogs } from '../../src/search/storage/erase.ts'
import type { Fate } from '../support/faulty.ts'
import { faultyEnv } from '../support/faulty.ts'
import { row } from '../support/rows.ts'
import type { World } from '../support/world.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { deliver, keepingJobs, ownerWithJobs, runSteps } from './control_world.ts'
import { read, shardStub, storeRows } from './log_store.ts'
import type { SearchBody } from './log_store.ts'

const app = createApp(routes, { verifySession, verifyApiKey, rateLimiter: createRateLimiter() })
/** More calls of bindings than any request here makes. */
const callsMax = 40

interface Sent {
  path: string
  method?: string
  json?: unknown
  headers?: Record<string, string>
}

/** Sends a request through the real application over bindings of which the n-th call fails, once or from then on. */
async function send(world: World, { path, method, json, headers }: Sent, failing: number, fate: Fate, forGood: boolean) {
  let calls = 0
  const plan = (): Fate => {
    calls++
    return calls === failing || (forGood && calls > failing) ? fate : 'works'
  }
  const ctx = createExecutionContext()
  const init: RequestInit = {
    method: method ?? (json === undefined ? 'GET' : 'POST'),
    headers: {
      'CF-Connecting-IP': world.address,
      Authorization: `Bearer ${world.owner.accessToken}`,
      ...(json !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  }
  const response = await app.fetch(new Request(`http://edgelog.test/api/v1${path}`, init), faultyEnv(env, plan), ctx)
  const body = await response.text().catch((error: unknown) => `broken off: ${String(error)}`)
  await waitOnExecutionContext(ctx)
  return { status: response.status, body, calls }
}

/** Lets every call of the request fail in turn; answers what came that was neither success nor a clean refusal. */
async function failEach(world: World, request: Sent, fates: readonly Fate[] = ['fails before', 'fails after']): Promise<string[]> {
  const wrong: string[] = []
  for (const fate of fates) {
    for (const forGood of [false, true]) {
      for (let failing = 1; failing <= callsMax; failing++) {
        const { status, body, calls } = await send(world, request, failing, fate, forGood)
        const isClean = status < 300 || status === 503 || status === 429 || (status === 404 && request.method === 'DELETE')
        if (!isClean || body.startsWith('broken off'))
          wrong.push(`${status} when call ${failing} ${fate}${forGood ? ' and all behind it' : ''}: ${body}`)
        if (calls < failing) break
      }
    }
  }
  return wrong
}

async function sealedWorld(messages: readonly string[]): Promise<World> {
  const world = await createWorld()
  await storeRows(
    world,
    messages.map((message, i) => row({ message, attributes: { n: i } })),
  )
  const { rpc, identity } = await shardStub(world)
  await rpc.sealNow(identity)
  await storeRows(world, [row({ message: 'hot one' })])
  return world
}

const messagesOf = async (world: World) =>
  (await read<SearchBody>(world, '/search', { limit: 500 })).results.map(({ message }) => message).toSorted()

describe('a request over storages that fail', () => {
  it.each<[string, Sent]>([
    ['search', { path: '/logs/search?q=sealed&limit=10' }],
    ['list', { path: '/logs?search=sealed' }],
    ['histogram', { path: '/logs/histogram?q=sealed' }],
    ['facets', { path: '/logs/facets?fields=source,severity' }],
    ['fields', { path: '/logs/fields' }],
    ['statistics', { path: '/logs/stats?stats=count(),avg(n)' }],
    ['patterns', { path: '/logs/patterns' }],
    ['one log', { path: `/logs/${encodeLogId(0, 2)}` }],
    ['its context', { path: `/logs/context?id=${encodeLogId(0, 2)}` }],
    ['usage', { path: '/logs/usage' }],
    ['segments', { path: '/logs/segments' }],
  ])('answers %s whole, or says 503', async (_, request) => {
    const world = await sealedWorld(['sealed one', 'sealed two', 'sealed three'])
    const { status, body } = await send(world, request, Infinity, 'works', false)
    expect([status, body]).toEqual([200, body])
    expect(await failEach(world, request, ['fails before'])).toEqual([])
  })

  it('stores a batch once, however often its producer has to repeat it', async () => {
    const world = await createWorld()
    const wrong: string[] = []
    const expected: string[] = []
    for (let failing = 1, calls = callsMax; calls >= failing; failing++) {
      for (const fate of ['fails before', 'fails after'] as const) {
        const message = `batch ${failing} ${fate}`
        const request = { path: '/logs', json: [{ message }], headers: { 'Idempotency-Key': message } }
        const first = await send(world, request, failing, fate, false)
        calls = first.calls
        expected.push(message)
        if (first.status >= 300 && first.status !== 503) wrong.push(`${first.status} ${first.body}`)
        const again = await send(world, request, Infinity, 'works', false)
        if (again.status >= 300) wrong.push(`${again.status} ${again.body}`)
      }
    }
    expect(wrong).toEqual([])
    expect(await messagesOf(world)).toEqual(expected.toSorted())
  })

  it('edits and deletes a sealed log, or leaves it as it was', async () => {
    const world = await sealedWorld(['sealed one', 'sealed two', 'sealed three'])
    const change = { path: `/logs/${encodeLogId(0, 1)}`, method: 'PATCH', json: { message: 'edited one' } }
    const removal = { path: `/logs/${encodeLogId(0, 2)}`, method: 'DELETE' }
    expect(await failEach(world, change)).toEqual([])
    expect(await messagesOf(world)).toEqual(['edited one', 'hot one', 'sealed three', 'sealed two'])
    expect(await failEach(world, removal)).toEqual([])
    expect(await messagesOf(world)).toEqual(['edited one', 'hot one', 'sealed three'])
  })
})

describe('work in the background over storages that fail', () => {
  it.each([
    // Each call of the step by itself: task, shards, progress (asked again at once), what came of it.
    { fate: 'fails before', shard: 'is done', outcomes: ['retried', 'retried', 'acked', 'retried', 'acked'] },
    { fate: 'fails after', shard: 'is done', outcomes: ['retried', 'retried', 'acked', 'retried', 'acked'] },
    // The same, but the next message and then the state.
    { fate: 'fails before', shard: 'is at work', outcomes: ['retried', 'retried', 'acked', 'retried', 'retried', 'acked'] },
    { fate: 'fails after', shard: 'is at work', outcomes: ['retried', 'retried', 'acked', 'retried', 'retried', 'acked'] },
  ] as const)(
    'erases exactly what matches, and tells the count, whichever call $fate while the shard $shard, and each message comes twice',
    async ({ fate, shard, outcomes }) => {
      const world = await sealedWorld(['keep one'])
      const { rpc, identity } = await shardStub(world)
      const found: string[] = []
      let calls = callsMax
      for (let failing = 1; calls >= failing - 1 && failing <= callsMax; failing++) {
        await storeRows(world, [row({ message: 'erase one' }), row({ message: 'erase two' })])
        const { ctx, sent } = ownerWithJobs(world)
        const task = await eraseLogs(ctx, { q: 'erase' })
        if (shard === 'is done') await rpc.sealNow(identity)
        const job = sent.shift()?.job
        calls = 0
        const kept = keepingJobs(env)
        const broken = testCtx(faultyEnv(kept.env, () => (++calls === failing ? fate : 'works')))
        found.push(await deliver(broken, job))
        await deliver(ctx, job)
        await rpc.sealNow(identity)
        for (const again of [...kept.sent, ...sent]) await deliver(ctx, again.job)
        await runSteps(ctx, [...kept.sent, ...sent.splice(0)])
        const done = await (await world.call(`/api/v1/tasks/${task.id}`, { as: world.owner.accessToken })).json()
        expect([failing, done]).toMatchObject([failing, { status: 'SUCCESS', result: { erased: 2 } }])
        expect(await messagesOf(world)).toEqual(['hot one', 'keep one'])
      }
      // The last round met no fault.
      expect(found).toEqual(outcomes)
    },
  )
})

describe('a shard over a bucket that fails', () => {
  it('seals each row once, whichever call of the bucket fails', async () => {
    // Fewer segments than make a merge due, whose alarm would wake the object in memory.
    const rounds = 6
    const world = await createWorld()
    const expected: string[] = []
    for (let round = 0; round < rounds; round++) {
      const message = `round ${round}`
      expected.push(message)
      await storeRows(world, [row({ message })])
      const { identity } = await shardStub(world)
      const stub = env.LOG_SHARD.getByName(shardName(identity))
      // What is in memory knows nothing of the object beside it that works on the same storage.
      await evictDurableObject(stub)
      const failure = await runInDurableObject(stub, async (_, state) => {
        let calls = 0
        const plan = (name: string): Fate => {
          if (!name.startsWith('STORAGE') || ++calls <= round >> 1) return 'works'
          return round % 2 === 0 ? 'fails before' : 'fails after'
        }
        const shard = new LogShard(state, faultyEnv(env as unknown as LogShardEnv, plan))
        return shard.sealNow(identity).then(
          () => undefined,
          (error: unknown) => String(error),
        )
      })
      expect(failure ?? 'We encountered an internal error').toContain('We encountered an internal error')
      await evictDurableObject(stub)
      expect(await messagesOf(world)).toEqual(expected.toSorted())
    }
    expect(await messagesOf(world)).toEqual(expected.toSorted())
    const { rpc, identity } = await shardStub(world)
    const { segments, hot } = await rpc.sealNow(identity)
    expect([segments.reduce((sum, { rows }) => sum + rows, 0), hot.rows]).toEqual([rounds, 0])
  })
})
