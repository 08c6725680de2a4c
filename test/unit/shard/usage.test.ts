import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dayOf, minuteOf, monthOf } from '../../../src/core/calendar.ts'
import { usageDaysKept, usageFlushMs, usageSourcesPerDayMax } from '../../../src/core/limits.ts'
import { rejectReasons } from '../../../src/core/usage.ts'
import type { BatchUsage } from '../../../src/core/usage.ts'
import { addUsage, newUsageSum, refusedUsage, usageOf } from '../../../src/core/usage_sum.ts'
import { runs } from '../../support/effort.ts'
import { usageOfRows } from '../../support/usage.ts'
import { controlWorld } from './control_world.ts'

const startMs = Date.parse('2026-11-22T23:59:50Z')
const farDays = [0, 1e6] as const

const batchUsage: fc.Arbitrary<BatchUsage> = fc
  .record({
    sources: fc.uniqueArray(
      fc.record({ source: fc.constantFrom('api', 'web', 'db', ''), rows: fc.integer({ min: 1, max: 9 }), bytes: fc.nat(999) }),
      { selector: ({ source }) => source, minLength: 1 },
    ),
    others: fc.record({ rows: fc.nat(5), bytes: fc.nat(99) }),
    rejected: fc.dictionary(fc.constantFrom(...rejectReasons), fc.integer({ min: 1, max: 9 }), { noNullPrototype: true }),
    rejectedBytes: fc.nat(99),
  })
  .map(({ sources, others, rejected, rejectedBytes }) => {
    const stored = { ...others }
    for (const { rows, bytes } of sources) {
      stored.rows += rows
      stored.bytes += bytes
    }
    const lost = Object.values(rejected).reduce((sum, count) => sum + count, 0)
    return { received: { rows: stored.rows + lost, bytes: stored.bytes + rejectedBytes }, stored, rejected, sources }
  })

type Step = { do: 'store' | 'refuse'; usage: BatchUsage } | { do: 'seal' | 'evict' } | { do: 'wait'; ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('store' as const), usage: batchUsage }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refuse' as const), usage: batchUsage }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('seal' as const, 'evict' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(10, 9_000, 70_000, 86_400_000) }) },
)

describe('the usage ledger of a shard', () => {
  it('is exact for what is stored, through seals and losses of its memory', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const clock = { nowMs: startMs }
        const shard = controlWorld(1, clock).shards[0]!
        const model = new Map<number, ReturnType<typeof newUsageSum>>()
        const windows = new Map<string, number>()
        const count = (usage: BatchUsage) => {
          const sum = model.get(dayOf(clock.nowMs)) ?? newUsageSum()
          model.set(dayOf(clock.nowMs), sum)
          addUsage(sum, usage, Infinity)
        }
        for (const now of steps) {
          if (now.do === 'wait') clock.nowMs += now.ms
          else if (now.do === 'store') {
            void shard.append(now.usage, null)
            count(now.usage)
            for (const key of [`minute ${minuteOf(clock.nowMs)}`, `month ${monthOf(clock.nowMs)}`])
              windows.set(key, (windows.get(key) ?? 0) + now.usage.stored.rows)
          } else if (now.do === 'refuse') {
            const refused = refusedUsage(now.usage, 'quota_exceeded')
            shard.control.usage.countRefused(refused, clock.nowMs)
            count(refused)
          } else {
            // Refused batches are written lazily; a loss before that is told in the API.
            shard.seal()
            if (now.do === 'evict') shard.evict()
          }
        }
        const expected = [...model].map(([day, sum]) => ({ day, usage: usageOf(sum, Infinity) }))
        expect(shard.control.usage.days(...farDays)).toEqual(expected)
        const { rows } = shard.control.usage.storedInMinute(minuteOf(clock.nowMs))
        expect(rows).toBe(windows.get(`minute ${minuteOf(clock.nowMs)}`) ?? 0)
        expect(shard.control.usage.storedInMonth(monthOf(clock.nowMs)).rows).toBe(windows.get(`month ${monthOf(clock.nowMs)}`) ?? 0)
      }),
      { numRuns: runs(100) },
    )
  })

  it('is built again from the rows of blocks when the object is lost without a seal', () => {
    const clock = { nowMs: startMs }
    const shard = controlWorld(1, clock).shards[0]!
    void shard.append(usageOfRows(3), null)
    shard.seal()
    void shard.append(usageOfRows(4), null)
    shard.evict()
    expect(shard.control.usage.days(...farDays)).toEqual([{ day: dayOf(startMs), usage: usageOfRows(7) }])
    expect(shard.control.usage.storedInMinute(minuteOf(startMs))).toEqual({ rows: 7, bytes: 700 })
  })

  it('wants to be saved some seconds after the first refused batch, and not otherwise', () => {
    const clock = { nowMs: startMs }
    const shard = controlWorld(1, clock).shards[0]!
    void shard.append(usageOfRows(1), null)
    expect(shard.control.usage.dueMs()).toBeNull()
    shard.control.usage.countRefused(refusedUsage(usageOfRows(1), 'shard_full'), startMs)
    shard.control.usage.countRefused(refusedUsage(usageOfRows(1), 'shard_full'), startMs + 5000)
    expect(shard.control.usage.dueMs()).toBe(startMs + usageFlushMs)
    shard.seal()
    expect(shard.control.usage.dueMs()).toBeNull()
  })

  it('names only so many sources of a day, and counts the others in the sum', () => {
    const clock = { nowMs: startMs }
    const shard = controlWorld(1, clock).shards[0]!
    for (let i = 0; i < usageSourcesPerDayMax + 5; i++) void shard.append(usageOfRows(1, 10, `source ${i}`), null)
    shard.seal()
    const [day] = shard.control.usage.days(...farDays)
    expect(day?.usage.stored.rows).toBe(usageSourcesPerDayMax + 5)
    expect(day?.usage.sources).toHaveLength(usageSourcesPerDayMax)
  })

  it('forgets days that are too old to be asked for', () => {
    const clock = { nowMs: startMs }
    const shard = controlWorld(1, clock).shards[0]!
    void shard.append(usageOfRows(1), null)
    shard.seal()
    clock.nowMs += (usageDaysKept + 1) * 86_400_000
    void shard.append(usageOfRows(2), null)
    shard.seal()
    expect(shard.control.usage.days(...farDays).map(({ usage }) => usage.stored.rows)).toEqual([2])
  })
})
