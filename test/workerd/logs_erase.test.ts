import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { shardName } from '../../src/core/ids.ts'
import { queryBytesMax } from '../../src/core/limits.ts'
import { eraseLogs } from '../../src/search/storage/erase.ts'
import { row } from '../support/rows.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf, ownerWithJobs, runSteps } from './control_world.ts'
import { read, shardStub, storeRows } from './log_store.ts'
import type { SearchBody } from './log_store.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})

const messages = async () =>
  (await read<SearchBody>(world, '/search', { limit: 500, order: 'oldest' })).results.map(({ message }) => message).toSorted()
const send = (message: string) => world.call('/api/v1/logs', { as: world.owner.accessToken, json: { message } })
const post = (json: unknown, as = world.owner.accessToken) => world.call('/api/v1/logs/delete', { as, json })

describe('erasure by query', () => {
  it('hides what matches before it answers, on every shard, and counts it in the end', async () => {
    await storeRows(world, [row({ message: 'keep me' }), row({ message: 'erase one' })])
    await storeRows(world, [row({ message: 'erase two' }), row({ message: 'keep too' })], 'apac')
    const { ctx, sent } = ownerWithJobs(world)
    const task = await eraseLogs(ctx, { q: 'erase' })
    expect(await messages()).toEqual(['keep me', 'keep too'])
    await storeRows(world, [row({ message: 'erase later' })])
    expect(await messages()).toEqual(['erase later', 'keep me', 'keep too'])
    for (const [region, shard] of [
      ['weur', 0],
      ['apac', 1],
    ] as const) {
      const identity = { organizationId: world.organizationId, region, shard }
      await env.LOG_SHARD.getByName(shardName(identity)).sealNow(identity)
    }
    await runSteps(ctx, sent)
    const done = await (await world.call(`/api/v1/tasks/${task.id}`, { as: world.owner.accessToken })).json()
    expect(done).toMatchObject({ status: 'SUCCESS', progress: 1, result: { erased: 2 } })
    expect(await messages()).toEqual(['erase later', 'keep me', 'keep too'])
    expect(await auditOf(world, 'logs.erase')).toMatchObject([{ actor_kind: 'user', target_id: task.id, details: { q: 'erase' } }])
    expect(await auditOf(world, 'task.succeed')).toMatchObject([{ actor_kind: 'system', details: { result: { erased: 2 } } }])
  })

  it('leaves what is outside of the range', async () => {
    const at = (timestampMs: number) => row({ message: `at ${timestampMs}`, timestampMs })
    await storeRows(world, [at(1000), at(2000), at(3000)])
    const { ctx } = ownerWithJobs(world)
    await eraseLogs(ctx, { q: '', all: true, from: '1970-01-01T00:00:02Z', to: '1970-01-01T00:00:03Z' })
    expect(await messages()).toEqual(['at 1000', 'at 3000'])
  })

  it('answers 202 with the task, which anybody who may read tasks can follow', async () => {
    await storeRows(world, [row({ message: 'gone' })])
    const response = await post({ q: 'gone' })
    const { id, status } = await response.json<{ id: string; status: string }>()
    expect([response.status, status, response.headers.get('Location')]).toEqual([202, 'PENDING', `/api/v1/tasks/${id}`])
    expect(await messages()).toEqual([])
  })

  it.each([
    [{}, 400, 'validation_failed'],
    [{ q: '  ' }, 400, 'validation_failed'],
    [{ q: '', all: false }, 400, 'validation_failed'],
    [{ q: 'a AND' }, 400, 'invalid_query'],
    // With the condition on the time of receipt it would be too long for a shard that is told late.
    [{ q: 'a'.repeat(queryBytesMax) }, 400, 'invalid_query'],
    [{ q: 'a', from: 'yesterday' }, 400, 'validation_failed'],
    [{ q: 'a', from: '2026-01-03', to: '2026-01-01' }, 400, 'validation_failed'],
  ])('refuses %j with %i %s and erases nothing', async (json, status, code) => {
    await storeRows(world, [row({ message: 'a' })])
    const response = await post(json)
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([status, code])
    expect(await messages()).toEqual(['a'])
    expect(await auditOf(world, 'logs.erase')).toEqual([])
  })

  it('is not for members, and touches no other organization', async () => {
    const member = await world.addMember('member')
    expect((await post({ q: 'a' }, member.accessToken)).status).toBe(403)
    await storeRows(world, [row({ message: 'a' })])
    const stranger = await createWorld()
    expect((await stranger.call('/api/v1/logs/delete', { as: stranger.owner.accessToken, json: { q: 'a' } })).status).toBe(202)
    expect(await messages()).toEqual(['a'])
  })

  it('goes on in the background when a shard did not answer the request, and spares what came after it', async () => {
    await send('erase one')
    const { ctx, sent } = ownerWithJobs(world)
    const lost = { getByName: () => ({ startErase: () => Promise.reject(new Error('Network connection lost.')) }) }
    const failing = { ...ctx, env: { ...ctx.env, LOG_SHARD: lost as never } }
    await expect(eraseLogs(failing, { q: 'erase' })).rejects.toMatchObject({ code: 'unavailable' })
    expect(sent).toHaveLength(1)
    const failedMs = Date.now()
    await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(failedMs)
    await send('erase later')
    expect(await messages()).toEqual(['erase later', 'erase one'])
    await runSteps(ctx, sent.splice(0, 1).concat([]), 1)
    expect(await messages()).toEqual(['erase later'])
  })

  it('names its task when a shard has no room for it, and begins there when there is room', async () => {
    await send('erase one')
    const { ctx, sent } = ownerWithJobs(world)
    const { rpc, identity } = await shardStub(world)
    const full = { startErase: async () => ({ status: 'too_many_erasures' }), eraseProgress: async () => ({ status: 'unknown' }) }
    const refusing = { ...ctx, env: { ...ctx.env, LOG_SHARD: { getByName: () => full } as never } }
    const refused = eraseLogs(refusing, { q: 'erase' })
    await expect(refused).rejects.toMatchObject({ code: 'conflict' })
    const { job } = sent[0]!
    if (job.kind !== 'task') throw new Error('no task was sent')
    await expect(refused).rejects.toMatchObject({ detail: expect.stringContaining(job.task_id) as unknown })
    // As often as it is refused: no step fails of it.
    for (let i = 0; i < 7; i++) await runSteps(refusing, sent.splice(0, 1), 1)
    expect(await messages()).toEqual(['erase one'])
    await runSteps(ctx, sent.splice(0, 1), 1)
    expect(await messages()).toEqual([])
    expect(await rpc.eraseProgress(identity, job.task_id)).not.toMatchObject({ status: 'unknown' })
  })
})
