import { env, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { regions } from '../../src/config.ts'
import type { Region } from '../../src/config.ts'
import { shardName } from '../../src/core/ids.ts'
import { shardActivationMs, shardAddMs, shardListCacheMs, shardsPerRegionMax } from '../../src/core/limits.ts'
import type { BaseCtx, TenantCtx } from '../../src/db/context.ts'
import { listLogShards, registerFurther, shardsForIngest } from '../../src/db/log_shards.ts'
import { logShards } from '../../src/db/schema.ts'
import { ingestLogs } from '../../src/ingest/ingest_logs.ts'
import type { AppendReply, AppendRequest, ShardIdentity } from '../../src/objects/log-shard/protocol.ts'
import { encodeRows, row } from '../support/rows.ts'
import { freeSettings, plainLogSettings, usageOfRows } from '../support/usage.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

const numbersOf = (shards: readonly { number: number }[]) => shards.map(({ number }) => number)

function at(ms: number): BaseCtx {
  return { ...testCtx(), now: () => ms }
}

/** A shard of an age, as if it had been registered then. */
async function addShard(organizationId: string, number: number, ageMs: number, region: Region = 'weur'): Promise<void> {
  const ctx = testCtx()
  await ctx.db.insert(logShards).values({ organizationId, number, region, createdAt: ctx.now() - ageMs })
}

describe('the shards of an organization', () => {
  it('begin with one for each region that a batch comes from, also when requests race', async () => {
    const { organizationId } = await createWorld()
    const ctx = testCtx()
    const found = await Promise.all(
      Array.from({ length: 4 }, () => regions.map((region) => shardsForIngest(ctx, organizationId, region))).flat(),
    )
    const listed = await listLogShards(ctx, organizationId)
    expect(numbersOf(listed)).toEqual(regions.map((_, number) => number))
    expect(new Set(listed.map(({ region }) => region))).toEqual(new Set(regions))
    for (const shard of found.flat()) expect(listed).toContainEqual(shard)
  })

  it('are found when another isolate registered them', async () => {
    const { organizationId } = await createWorld()
    await addShard(organizationId, 7, 0, 'oc')
    expect(await shardsForIngest(testCtx(), organizationId, 'oc')).toMatchObject([{ region: 'oc', number: 7 }])
    expect(numbersOf(await shardsForIngest(testCtx(), organizationId, 'me'))).toEqual([7, 8])
  })

  it('of another organization are never listed', async () => {
    const [mine, other] = await Promise.all([createWorld(), createWorld()])
    const ctx = testCtx()
    await shardsForIngest(ctx, other.organizationId, 'sam')
    expect(await listLogShards(ctx, mine.organizationId)).toEqual([])
  })

  it('are known to ingest for as long as a list is cached, and to queries at once', async () => {
    const { organizationId } = await createWorld()
    const startMs = Date.now()
    await shardsForIngest(at(startMs), organizationId, 'weur')
    await addShard(organizationId, 1, 0)
    expect(numbersOf(await shardsForIngest(at(startMs + shardListCacheMs - 1), organizationId, 'weur'))).toEqual([0])
    expect(numbersOf(await listLogShards(at(startMs), organizationId))).toEqual([0, 1])
    expect(numbersOf(await shardsForIngest(at(startMs + shardListCacheMs), organizationId, 'weur'))).toEqual([0, 1])
  })
})

describe('one more shard for a region', () => {
  it('is registered once, however many requests ask', async () => {
    const { organizationId } = await createWorld()
    await addShard(organizationId, 0, shardAddMs)
    await Promise.all(Array.from({ length: 5 }, () => registerFurther(testCtx(), organizationId, 'weur')))
    expect(await listLogShards(testCtx(), organizationId)).toMatchObject([{ number: 0 }, { number: 1, region: 'weur' }])
  })

  it('waits until the one before it has had an effect', async () => {
    const { organizationId } = await createWorld()
    await addShard(organizationId, 0, 2 * shardAddMs)
    await addShard(organizationId, 1, shardAddMs - 5000)
    await registerFurther(testCtx(), organizationId, 'weur')
    expect(await listLogShards(testCtx(), organizationId)).toHaveLength(2)
  })

  it('is not registered beyond the limit, nor for a region that has none', async () => {
    const { organizationId } = await createWorld()
    for (let number = 0; number < shardsPerRegionMax; number++) await addShard(organizationId, number, 2 * shardAddMs)
    await registerFurther(testCtx(), organizationId, 'weur')
    await registerFurther(testCtx(), organizationId, 'apac')
    expect(await listLogShards(testCtx(), organizationId)).toHaveLength(shardsPerRegionMax)
  })
})

describe('batches over several shards', () => {
  const post = (world: World, key: string, body: string, idempotencyKey?: string) =>
    world.call('/api/v1/logs', {
      as: key,
      body,
      headers: { 'Content-Type': 'application/x-ndjson', ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey }) },
    })
  const messages = async (world: World) => {
    const response = await world.call('/api/v1/logs/search?limit=500', { as: world.owner.accessToken })
    const { results } = await response.json<{ results: { message: string }[] }>()
    return results.map(({ message }) => message).toSorted()
  }
  const rowsIn = (organizationId: string, shard: number) =>
    env.LOG_SHARD.getByName(shardName({ organizationId, region: 'weur', shard }))
      .ping()
      .then(({ lastSeq }) => lastSeq)

  it('spread over all that are active, and are found together', async () => {
    const world = await createWorld()
    const { key } = await world.createKey('ingest')
    for (const number of [0, 1, 2]) await addShard(world.organizationId, number, 2 * shardAddMs)
    const sent = Array.from({ length: 40 }, (_, i) => `message ${i}`)
    for (const [i, body] of sent.entries()) expect((await post(world, key, body, i % 2 === 0 ? `key ${i}` : undefined)).status).toBe(202)
    expect(await messages(world)).toEqual(sent.toSorted())
    for (const shard of [0, 1, 2]) expect(await rowsIn(world.organizationId, shard)).toBeGreaterThan(0)
  })

  it('meet the same shard under the same key, also when one was added in between', async () => {
    const world = await createWorld()
    const { key } = await world.createKey('ingest')
    await addShard(world.organizationId, 0, 2 * shardAddMs)
    await shardsForIngest(testCtx(), world.organizationId, 'weur')
    const keys = Array.from({ length: 12 }, (_, i) => `key ${i}`)
    for (const each of keys) expect((await post(world, key, each, each)).status).toBe(202)
    // Another isolate knows more shards than this one: the cached list of this isolate is passed by with another clock.
    await addShard(world.organizationId, 1, shardActivationMs + 1000)
    await shardsForIngest(at(Date.now() + shardListCacheMs), world.organizationId, 'weur')
    for (const each of keys) {
      const again = await post(world, key, each, each)
      expect([again.status, again.headers.get('Idempotency-Replayed')]).toEqual([202, 'true'])
    }
    expect(await messages(world)).toEqual(keys.toSorted())
    expect(await rowsIn(world.organizationId, 1)).toBe(0)
  })

  it('are visible to queries from a new shard as soon as they are acknowledged', async () => {
    const world = await createWorld()
    const { key } = await world.createKey('ingest')
    await addShard(world.organizationId, 0, 2 * shardAddMs)
    expect(await messages(world)).toEqual([])
    await addShard(world.organizationId, 1, 2 * shardAddMs)
    for (let i = 0; await rowsIn(world.organizationId, 1).then((rows) => rows === 0); i++) {
      expect((await post(world, key, `message ${i}`)).status).toBe(202)
      expect(await messages(world)).toHaveLength(i + 1)
    }
  })

  it('are refused where their key was asked for after another shard had become the choice', async () => {
    const { organizationId } = await createWorld()
    const identity = { organizationId, region: 'weur', shard: 0 }
    const stub = env.LOG_SHARD.getByName(shardName(identity))
    const keyHash = 'a'.repeat(64)
    expect(await stub.knowsKey(identity, keyHash)).toEqual({ known: false })
    const reply = await runInDurableObject(stub, (shard) => shard.append(keyedBatch(identity, keyHash)))
    expect(reply).toMatchObject({ status: 'key_moved' })
    expect(await rowsIn(organizationId, 0)).toBe(0)
  })
})

it.each([
  ['says it is busy', { status: 'stored', firstSeq: 1, accepted: 1, rejected: 0, busy: true }],
  ['is full', { status: 'shard_full', detail: 'It holds all it can.' }],
] satisfies [string, AppendReply][])('a shard that %s gets its region one more, after the answer', async (_, reply) => {
  const world = await createWorld()
  await addShard(world.organizationId, 0, 2 * shardAddMs)
  const base = testCtx()
  const later: Promise<unknown>[] = []
  const ctx: TenantCtx = {
    ...base,
    region: 'weur',
    waitUntil: (work) => void later.push(work),
    env: { ...env, LOG_SHARD: { getByName: () => ({ append: async () => reply }) } as never },
    actor: { kind: 'api_key', keyId: 'k', scopes: ['logs:write'] },
    tenant: { organizationId: world.organizationId, accountId: world.accountId, logSettings: plainLogSettings },
  }
  const send = () => ingestLogs(ctx, { body: Buffer.from('a'), type: 'ndjson', idempotencyKey: undefined })
  const replies = await Promise.allSettled([send(), send(), send()])
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([reply.status === 'stored' ? 'fulfilled' : 'rejected']))
  // One isolate asks once in a while, not with each batch.
  expect(later).toHaveLength(1)
  await Promise.all(later)
  expect(numbersOf(await listLogShards(testCtx(), world.organizationId))).toEqual([0, 1])
})

function keyedBatch(identity: ShardIdentity, keyHash: string): AppendRequest {
  return {
    identity,
    blocks: encodeRows([row()]),
    idempotency: { keyHash, bodyHash: 'b'.repeat(64), rejected: 0 },
    usage: usageOfRows(1),
    settings: freeSettings(identity),
  }
}
