import { env, evictDurableObject } from 'cloudflare:test'
import { eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { dateOf, dayOf } from '../../src/core/calendar.ts'
import { shardName } from '../../src/core/ids.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { logShards, organizations } from '../../src/db/schema.ts'
import { ingestLogs } from '../../src/ingest/ingest_logs.ts'
import { plainLogSettings } from '../support/usage.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

let world: World
let key: string
beforeEach(async () => {
  world = await createWorld()
  key = (await world.createKey('ingest')).key
})

interface Usage {
  from: string
  to: string
  total: { received: Volume; stored: Volume; rejected: Record<string, number>; sources: ({ source: string | null } & Volume)[] }
  days: ({ day: string } & Usage['total'])[]
}
interface Volume {
  rows: number
  bytes: number
}

const post = (lines: string[], idempotencyKey?: string) =>
  world.call('/api/v1/logs', {
    as: key,
    body: lines.join('\n'),
    headers: { 'Content-Type': 'application/x-ndjson', ...(idempotencyKey !== undefined && { 'Idempotency-Key': idempotencyKey }) },
  })
const usage = async (query = '') => {
  const response = await world.call(`/api/v1/logs/usage${query}`, { as: world.owner.accessToken })
  if (response.status !== 200) throw new Error(await response.text())
  return response.json<Usage>()
}
const setQuota = (values: Partial<typeof organizations.$inferInsert>) =>
  testCtx().db.update(organizations).set(values).where(eq(organizations.id, world.organizationId))

describe('the usage of an organization', () => {
  it('counts what was received, stored and rejected, by source and reason, and a repeated batch once', async () => {
    const lines = ['{"source":"api","message":"a"}', '{"source":"api","message":"b"}', '{"severity":"loud"}', 'plain', '{}']
    for (let i = 0; i < 2; i++) expect((await post(lines, 'k1')).status).toBe(202)
    const { total, days } = await usage()
    expect(total).toEqual({
      received: { rows: 5, bytes: 30 + 30 + 19 + 5 + 2 },
      stored: { rows: 3, bytes: 65 },
      rejected: { invalid_value: 1, empty: 1 },
      sources: [
        { source: 'api', rows: 2, bytes: 60 },
        { source: '', rows: 1, bytes: 5 },
      ],
    })
    expect(days).toEqual([{ day: dateOf(dayOf(Date.now())), ...total }])
  })

  it('counts batches of which nothing can be stored', async () => {
    expect((await post(['{}', '{"severity":"loud"}'])).status).toBe(400)
    await expect
      .poll(async () => (await usage()).total)
      .toMatchObject({
        received: { rows: 2 },
        stored: { rows: 0 },
        rejected: { empty: 1, invalid_value: 1 },
      })
  })

  it('is the sum over all shards', async () => {
    const ctx = testCtx()
    for (const number of [0, 1, 2])
      await ctx.db.insert(logShards).values({ organizationId: world.organizationId, number, region: 'weur', createdAt: Date.now() - 1e6 })
    for (let i = 0; i < 20; i++) await post([`message ${i % 10}`])
    const { total } = await usage()
    expect(total.stored).toEqual({ rows: 20, bytes: 180 })
    expect(total.sources).toEqual([{ source: '', rows: 20, bytes: 180 }])
  })

  it('stays when the shard is lost, and after sealing', async () => {
    await setQuota({ quotaRowsPerMonth: 4 })
    await post(['a', 'b'])
    const before = await usage()
    const identity = { organizationId: world.organizationId, region: 'weur', shard: 0 }
    const stub = env.LOG_SHARD.getByName(shardName(identity))
    await evictDurableObject(stub)
    expect(await usage()).toEqual(before)
    await stub.sealNow(identity)
    await evictDurableObject(stub)
    expect(await usage()).toEqual(before)
    expect([(await post(['c', 'd', 'e'])).status, (await post(['c', 'd'])).status]).toEqual([429, 202])
  })

  it('covers the days that are asked for', async () => {
    await post(['a'])
    expect((await usage('?from=2026-01-01&to=2026-01-31')).days).toEqual([])
    expect(await usage('?from=2026-01-01&to=2026-01-31')).toMatchObject({
      from: '2026-01-01',
      to: '2026-01-31',
      total: { stored: { rows: 0 } },
    })
    const today = dateOf(dayOf(Date.now()))
    expect(await usage(`?from=${today}&to=${today}`)).toMatchObject({ from: today, to: today, total: { stored: { rows: 1 } } })
    expect((await world.call('/api/v1/logs/usage?from=2020-01-01', { as: world.owner.accessToken })).status).toBe(400)
    expect((await world.call('/api/v1/logs/usage', { as: key })).status).toBe(403)
  })
})

describe('a quota', () => {
  it('refuses the batch that would pass it, with the limit, its value, the usage and when there is more', async () => {
    await setQuota({ quotaRowsPerMonth: 5 })
    expect((await post(['a', 'b', 'c'], 'k1')).status).toBe(202)
    const refused = await post(['d', 'e', 'f'])
    expect(refused.status).toBe(429)
    const retryAfter = Number(refused.headers.get('Retry-After'))
    const now = new Date()
    expect(retryAfter).toBeCloseTo((Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1) - now.getTime()) / 1000, -2)
    expect(await refused.json()).toMatchObject({ code: 'quota_exceeded', details: { rows_per_month: ['limit 5', 'usage 3', 'batch 3'] } })
    const replay = await post(['a', 'b', 'c'], 'k1')
    expect([replay.status, replay.headers.get('Idempotency-Replayed')]).toEqual([202, 'true'])
    expect((await post(['d', 'e'])).status).toBe(202)
    const { total } = await usage()
    expect([total.received.rows, total.stored.rows, total.rejected]).toEqual([8, 5, { quota_exceeded: 3 }])
  })

  it('of bytes in a minute names the minute', async () => {
    await setQuota({ quotaBytesPerMinute: 10 })
    const refused = await post(['twelve bytes'])
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('Retry-After'))).toBeLessThanOrEqual(60)
    expect(await refused.json()).toMatchObject({ details: { bytes_per_minute: ['limit 10', 'usage 0', 'batch 12'] } })
  })

  it('of the deployment holds where the organization has none of its own', async () => {
    const base = testCtx()
    const ctx: TenantCtx = {
      ...base,
      config: { ...base.config, quota: { ...plainLogSettings.quota, rowsPerMinute: 2, rowsPerMonth: 2 } },
      actor: { kind: 'api_key', keyId: 'k', scopes: ['logs:write'] },
      tenant: { ...world, logSettings: { ...plainLogSettings, quota: { ...plainLogSettings.quota, rowsPerMinute: 100 } } },
    }
    const send = (body: string) => ingestLogs(ctx, { body: Buffer.from(body), type: 'ndjson', idempotencyKey: undefined })
    await expect(send('a\nb\nc')).rejects.toMatchObject({
      code: 'quota_exceeded',
      details: { rows_per_month: ['limit 2', 'usage 0', 'batch 3'] },
    })
    expect(await send('a\nb')).toMatchObject({ batch: { accepted: 2 } })
  })

  it('holds over several shards, to the last row', async () => {
    await setQuota({ quotaRowsPerMonth: 30 })
    const ctx = testCtx()
    for (const number of [0, 1, 2])
      await ctx.db.insert(logShards).values({ organizationId: world.organizationId, number, region: 'weur', createdAt: Date.now() - 1e6 })
    const replies = await Promise.all(Array.from({ length: 60 }, (_, i) => post([`message ${i}`])))
    const stored = replies.filter(({ status }) => status === 202).length
    expect(stored).toBeLessThanOrEqual(30)
    expect(stored).toBeGreaterThanOrEqual(30 * 0.75)
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202, 429]))
    expect((await usage()).total.stored.rows).toBe(stored)
  })
})
