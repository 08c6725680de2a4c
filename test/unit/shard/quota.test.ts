import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { minuteOf, monthOf } from '../../../src/core/calendar.ts'
import { leaseAheadBatches, leaseShare } from '../../../src/core/limits.ts'
import type { Quota } from '../../../src/core/settings.ts'
import { runs } from '../../support/effort.ts'
import { usageOfRows } from '../../support/usage.ts'
import { controlWorld, noLimit } from './control_world.ts'
import type { ControlledShard } from './control_world.ts'

const startMs = Date.parse('2026-11-30T23:58:30Z')

describe('the quota of an organization with one shard', () => {
  it.each([
    ['rowsPerMinute', 10, 90_000 - 60_000],
    ['bytesPerMinute', 1000, 90_000 - 60_000],
    ['rowsPerMonth', 10, 90_000],
    ['bytesPerMonth', 1000, 90_000],
  ] as const)('lets exactly %s pass and says when there is more', async (limit, value, retryAfterMs) => {
    const shard = controlWorld(1, { nowMs: startMs }).shards[0]!
    const quota: Quota = { ...noLimit, [limit]: value }
    expect(await shard.append(usageOfRows(6), quota)).toMatchObject({ status: 'stored' })
    const usage = limit.startsWith('rows') ? 6 : 600
    expect(await shard.append(usageOfRows(5), quota)).toEqual({ status: 'quota_exceeded', limit, value, usage, retryAfterMs })
    expect(await shard.append(usageOfRows(4), quota)).toMatchObject({ status: 'stored' })
  })

  it('begins anew with each minute and each month', async () => {
    const clock = { nowMs: startMs }
    const shard = controlWorld(1, clock).shards[0]!
    const quota = { ...noLimit, rowsPerMinute: 10, rowsPerMonth: 15 }
    expect(await shard.append(usageOfRows(10), quota)).toMatchObject({ status: 'stored' })
    clock.nowMs += 30_000
    expect(await shard.append(usageOfRows(6), quota)).toMatchObject({ status: 'quota_exceeded', limit: 'rowsPerMonth', usage: 10 })
    clock.nowMs += 60_000
    expect(await shard.append(usageOfRows(10), quota)).toMatchObject({ status: 'stored' })
  })

  it('counts what it refuses, in the ledger', async () => {
    const shard = controlWorld(1, { nowMs: startMs }).shards[0]!
    await shard.append(usageOfRows(11), { ...noLimit, rowsPerMinute: 10 })
    const [day] = shard.control.usage.days(0, 1e6)
    expect(day?.usage).toMatchObject({ received: { rows: 11 }, stored: { rows: 0 }, rejected: { quota_exceeded: 11 } })
  })

  it('takes the newest settings, in whatever order they come', async () => {
    const { control, identity } = controlWorld(1, { nowMs: startMs }).shards[0]!
    const settings = { retentionDays: null, ledger: identity, shards: 1 }
    const check = (version: number, quota: Quota | null) =>
      control.quota.check({ rows: 5, bytes: 5 }, { ...settings, version, quota }, identity, startMs)
    expect(check(3, null)).toBeUndefined()
    expect(check(2, { ...noLimit, rowsPerMinute: 1 })).toBeUndefined()
    expect(check(4, { ...noLimit, rowsPerMinute: 1 })).toMatchObject({ status: 'quota_exceeded' })
  })

  it('asks nobody', async () => {
    const world = controlWorld(1, { nowMs: startMs })
    await world.shards[0]!.append(usageOfRows(1), { ...noLimit, rowsPerMinute: 10 })
    expect(world.leases()).toBe(0)
  })
})

type Step = { do: 'append'; shard: number; rows: number } | { do: 'seal' | 'evict'; shard: number } | { do: 'wait'; ms: number }

const shardCount = 3
const anyShard = fc.nat(shardCount - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('append' as const), shard: anyShard, rows: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('seal' as const, 'evict' as const), shard: anyShard }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1000, 40_000) }) },
)

describe('the quota of an organization with several shards', () => {
  it('is never passed, whatever is lost and however calls overlap', async () => {
    const limits = fc.record({ rowsPerMinute: fc.integer({ min: 20, max: 100 }), rowsPerMonth: fc.integer({ min: 20, max: 200 }) })
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 60 }), fc.scheduler(), async (limit, steps, scheduler) => {
        const clock = { nowMs: startMs }
        const world = controlWorld(shardCount, clock, () => scheduler.schedule(Promise.resolve()))
        const quota = { ...noLimit, ...limit }
        const stored = new Map<string, number>()
        const running: Promise<void>[] = []
        for (const now of steps) {
          if (now.do === 'wait') clock.nowMs += now.ms
          else if (now.do === 'append') running.push(append(world.shards[now.shard]!, now.rows, quota, clock, stored))
          else {
            // An object that is lost takes its calls with it: let them end first.
            await scheduler.waitFor(Promise.all(running))
            world.shards[now.shard]![now.do]()
          }
          if (scheduler.count() > 0 && now.do === 'wait') await scheduler.waitOne()
        }
        await scheduler.waitFor(Promise.all(running))
        const most = (window: string) => (window.startsWith('minute') ? limit.rowsPerMinute : limit.rowsPerMonth)
        expect([...stored].filter(([window, rows]) => rows > most(window))).toEqual([])
      }),
      { numRuns: runs(100) },
    )
  })

  it('asks the ledger about once in as many batches as it grants ahead', async () => {
    const world = controlWorld(2, { nowMs: startMs })
    for (let i = 0; i < 10 * leaseAheadBatches; i++)
      expect(await world.shards[1]!.append(usageOfRows(1), { ...noLimit, rowsPerMonth: 1e6 }, 2)).toMatchObject({ status: 'stored' })
    expect(world.leases()).toBeLessThanOrEqual(10)
  })

  it('strands no more than its part when the other shards stop', async () => {
    const world = controlWorld(4, { nowMs: startMs })
    const quota = { ...noLimit, rowsPerMonth: 1000 }
    for (const shard of world.shards.slice(1)) await shard.append(usageOfRows(10), quota, 4)
    let rows = 30
    while ((await world.shards[0]!.append(usageOfRows(1), quota, 4)).status === 'stored') rows += 1
    expect(rows).toBeLessThanOrEqual(1000)
    expect(rows).toBeGreaterThanOrEqual(1000 * (1 - 1 / leaseShare))
  })

  it('lets one of two shards use up what is left to the last row', async () => {
    const world = controlWorld(2, { nowMs: startMs })
    const quota = { ...noLimit, rowsPerMinute: 100 }
    let rows = 0
    while ((await world.shards[1]!.append(usageOfRows(1), quota, 2)).status === 'stored') rows += 1
    expect(rows).toBe(100)
  })

  it('refuses nothing twice for a shard that forgot what it was allowed', async () => {
    const world = controlWorld(2, { nowMs: startMs })
    const quota = { ...noLimit, rowsPerMonth: 100 }
    await world.shards[1]!.append(usageOfRows(40), quota, 2)
    for (const shard of world.shards) shard.evict()
    expect(await world.shards[1]!.append(usageOfRows(60), quota, 2)).toMatchObject({ status: 'stored' })
    expect(await world.shards[0]!.append(usageOfRows(1), quota, 2)).toMatchObject({ status: 'quota_exceeded', usage: 100 })
  })

  it('keeps to what it granted when the ledger is lost before the other shard has used it', async () => {
    const world = controlWorld(2, { nowMs: startMs })
    const quota = { ...noLimit, rowsPerMonth: 1000 }
    await world.shards[1]!.append(usageOfRows(10), quota, 2)
    world.shards[0]!.evict()
    let rows = 10
    for (const shard of world.shards) while ((await shard.append(usageOfRows(1), quota, 2)).status === 'stored') rows += 1
    expect(rows).toBe(1000)
  })

  it('stores nothing when the ledger cannot be reached', async () => {
    const world = controlWorld(2, { nowMs: startMs }, () => Promise.reject(new Error('the network is gone')))
    await expect(world.shards[1]!.append(usageOfRows(1), { ...noLimit, rowsPerMonth: 9 }, 2)).rejects.toThrow('the network is gone')
    expect(world.shards[1]!.batches).toEqual([])
  })
})

async function append(shard: ControlledShard, rows: number, quota: Quota, clock: { nowMs: number }, stored: Map<string, number>) {
  const before = shard.batches.length
  const reply = await shard.append(usageOfRows(rows), quota, shardCount)
  if (reply.status !== 'stored') return
  const batch = shard.batches.slice(before).find(({ firstSeq }) => firstSeq === reply.firstSeq)
  const atMs = batch?.createdMs ?? clock.nowMs
  for (const key of [`minute ${minuteOf(atMs)}`, `month ${monthOf(atMs)}`]) stored.set(key, (stored.get(key) ?? 0) + rows)
}
