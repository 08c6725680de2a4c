import { env } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { retentionDaysDefault, retentionShardsPerJob } from '../../src/core/limits.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { createBlockBuilder } from '../../src/engine/block/writer.ts'
import { logShards, organizations } from '../../src/db/schema.ts'
import { applyRetention } from '../../src/jobs/retention.ts'
import { startRetention } from '../../src/jobs/retention.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { row } from '../support/rows.ts'
import { freeSettings, usageOfRows } from '../support/usage.ts'
import { auditOf, deliver, withJobs } from './control_world.ts'
import { shardStub } from './log_store.ts'

const dayMs = 86_400_000
let world: World
beforeEach(async () => {
  world = await createWorld()
})

const path = '/api/v1/logs/retention'
const get = async (as = world.owner.accessToken) => (await world.call(path, { as })).json()
const put = (days: unknown, as = world.owner.accessToken) => world.call(path, { as, method: 'PUT', json: { days } })
const settings = async () => (await testCtx().db.select().from(organizations).where(eq(organizations.id, world.organizationId)))[0]

describe('the retention of an organization', () => {
  it('is what the deployment says, until its owner or admin changes it', async () => {
    expect(await get()).toEqual({ days: retentionDaysDefault })
    const admin = await world.addMember('admin')
    for (const [days, as] of [
      [7, world.owner.accessToken],
      [null, admin.accessToken],
      [3650, world.owner.accessToken],
    ] as const) {
      const response = await put(days, as)
      expect([response.status, await response.json(), await get()]).toEqual([200, { days }, { days }])
    }
  })

  it('is audited when it changes, and has a new version then', async () => {
    await put(7)
    await put(7)
    await put(null)
    await put(null)
    expect(await settings()).toMatchObject({ retentionDays: null, settingsVersion: 2 })
    const target = { action: 'retention.update', actor_kind: 'user', target_id: world.organizationId }
    expect(await auditOf(world, 'retention.*')).toEqual([
      { ...target, details: { days: 7 } },
      { ...target, details: { days: null } },
    ])
  })

  it.each([0, -1, 3651, 1.5, '7', undefined])('of %s is refused', async (days) => {
    expect((await put(days)).status).toBe(400)
    expect(await get()).toEqual({ days: retentionDaysDefault })
  })

  it('is read by all who read logs, and changed by no member and no key', async () => {
    const viewer = await world.addMember('viewer')
    const { key } = await world.createKey('admin')
    for (const as of [viewer.accessToken, key]) {
      expect(await get(as)).toEqual({ days: retentionDaysDefault })
      expect((await put(1, as)).status).toBe(403)
    }
    const member = await world.addMember('member')
    expect((await put(1, member.accessToken)).status).toBe(403)
    const { key: ingestKey } = await world.createKey('ingest')
    expect((await world.call(path, { as: ingestKey })).status).toBe(403)
  })

  it('is that of the own organization alone', async () => {
    const other = await createWorld()
    await put(3)
    expect(await (await other.call(path, { as: other.owner.accessToken })).json()).toEqual({ days: retentionDaysDefault })
  })
})

/** What the shards were told: the calls of `applyRetention`, answered with so many removed rows. */
function toldShards(base: BaseCtx, removedRows: () => number) {
  const told: { organizationId: string; shard: number; keepFromMs: number }[] = []
  const LOG_SHARD = {
    getByName: () => ({
      async applyRetention({ organizationId, shard }: { organizationId: string; shard: number }, keepFromMs: number) {
        told.push({ organizationId, shard, keepFromMs })
        return { removedRows: removedRows(), pending: false }
      },
    }),
  }
  return { told, ctx: { ...base, env: { ...base.env, LOG_SHARD: LOG_SHARD as never } } }
}

/** A round of the schedule over the shards of this world; those of other tests are passed by. */
async function round(removedRows: () => number) {
  const { ctx: base, sent } = withJobs()
  const { told, ctx } = toldShards(base, removedRows)
  await applyRetention(ctx, { organization_id: world.organizationId, number: -1 })
  return { nowMs: Date.now(), sent, ours: told.filter(({ organizationId }) => organizationId === world.organizationId) }
}

const addShard = (number: number, ageDays: number) =>
  testCtx()
    .db.insert(logShards)
    .values({ organizationId: world.organizationId, number, region: 'weur', createdAt: Date.now() - ageDays * dayMs })

function receivedAt(createdMs: number) {
  const builder = createBlockBuilder(createdMs)
  builder.add(row())
  return builder.finish()
}

describe('the schedule of retention', () => {
  it('tells each shard that is old enough to hold expired logs from when on they are kept', async () => {
    await put(7)
    await addShard(0, 8)
    await addShard(1, 6)
    const { ours, nowMs } = await round(() => 0)
    expect(ours).toMatchObject([{ shard: 0 }])
    expect(Math.abs((ours[0]?.keepFromMs ?? 0) - (nowMs - 7 * dayMs))).toBeLessThan(10_000)
    await put(null)
    expect((await round(() => 0)).ours).toEqual([])
  })

  it('tells a longer term, and null, to every shard before it is answered, so that no rewrite drops what is kept again', async () => {
    const { rpc, identity } = await shardStub(world)
    for (const createdMs of [Date.now() - 1.5 * dayMs, Date.now()])
      await rpc.append({ identity, blocks: receivedAt(createdMs), usage: usageOfRows(1), settings: freeSettings(identity) })
    const tellAll = () => applyRetention(withJobs().ctx, { organization_id: world.organizationId, number: -1 })
    await testCtx().db.update(logShards).set({ createdAt: 0 }).where(eq(logShards.organizationId, world.organizationId))
    await put(1)
    await tellAll()
    for (const days of [3, null]) {
      expect((await put(days)).status).toBe(200)
      await rpc.sealNow(identity)
      expect((await rpc.segments(identity)).segments).toMatchObject([{ rows: 2 }])
    }
    // The shard that failed is found by the next round, also where the organization keeps all.
    await testCtx().db.update(logShards).set({ toldRetentionDays: 1 }).where(eq(logShards.organizationId, world.organizationId))
    expect((await round(() => 0)).ours).toMatchObject([{ shard: identity.shard, keepFromMs: 0 }])
    expect((await round(() => 0)).ours).toEqual([])
  })

  it('is told to a shard in the order of the settings, however late a call arrives', async () => {
    const { rpc, identity } = await shardStub(world)
    await rpc.applyRetention(identity, 0, 2)
    const blocks = receivedAt(Date.now() - dayMs)
    await rpc.append({ identity, blocks, usage: usageOfRows(1), settings: freeSettings(identity) })
    await rpc.applyRetention(identity, Date.now(), 1)
    expect((await rpc.sealNow(identity)).segments).toMatchObject([{ rows: 1 }])
    await rpc.applyRetention(identity, Date.now(), 2)
    expect((await rpc.sealNow(identity)).segments).toEqual([])
  })

  it('writes an audit entry for the rows that went since the last one, once', async () => {
    await addShard(0, 99)
    await round(() => 5)
    await round(() => 5)
    await Promise.all([round(() => 12), round(() => 12)])
    const entry = { action: 'logs.expire', actor_kind: 'system', target_id: '0' }
    expect(await auditOf(world, 'logs.expire')).toEqual([
      { ...entry, details: { rows: 5, retention_days: retentionDaysDefault } },
      { ...entry, details: { rows: 7, retention_days: retentionDaysDefault } },
    ])
  })

  it('goes on with the other shards when one fails', async () => {
    await addShard(0, 99)
    await addShard(1, 99)
    let calls = 0
    const { ours } = await round(() => {
      calls += 1
      if (calls === 1) throw new Error('the shard is overloaded')
      return 3
    })
    expect(ours).toHaveLength(2)
    expect(await auditOf(world, 'logs.expire')).toMatchObject([{ target_id: '1' }])
  })

  it('visits so many shards a message, and sends the next one on', async () => {
    for (let number = 0; number <= retentionShardsPerJob; number++) await addShard(number, 99)
    const { ours, sent } = await round(() => 0)
    expect(ours).toHaveLength(retentionShardsPerJob)
    const after = { organization_id: world.organizationId, number: retentionShardsPerJob - 1 }
    expect(sent).toMatchObject([{ job: { kind: 'retention', after }, delaySeconds: 0 }])
  })

  it('starts from the cron with one message, and passes the real shards in messages of bounded size', async () => {
    const { ctx, sent } = withJobs()
    await startRetention(ctx)
    expect(sent).toMatchObject([{ job: { kind: 'retention', after: { organization_id: '', number: -1 } }, delaySeconds: 0 }])
    await addShard(0, 99)
    for (let next = sent.shift(), n = 0; next !== undefined && n < 100; next = sent.shift(), n++)
      expect(await deliver(ctx, next.job)).toBe('acked')
    const identity = { organizationId: world.organizationId, region: 'weur', shard: 0 }
    expect(await env.LOG_SHARD.getByName(`${world.organizationId}/weur/0`).segments(identity)).toMatchObject({ segments: [] })
  })
})
