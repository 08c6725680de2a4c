import { describe, expect, it } from 'vitest'
import { limitOf, simulateRateLimit } from './rate_limits.ts'
import type { RateLoad, RateOutcome } from './rate_limits.ts'

/*
 * How wrong the approximate limits are: one client over 50 isolates in 5 places, at once and for long. The numbers that hold
 * here stand in src/db/STORAGE.md.
 */

const limits = { anonymousPerMinute: 100, userPerHour: 1000, apiKeyPerMinute: 6000 }
const hour = { client: { kind: 'user', id: 'u' }, windowMs: 3_600_000 } as const
const minute = { client: { kind: 'anonymous', id: 'a' }, windowMs: 60_000 } as const

const spreads: Record<string, (isolate: number) => number> = {
  'evenly over all': () => 1,
  'as Zipf has it': (i) => 1 / (i + 1),
  'half on one': (i) => (i === 0 ? 49 : 1),
  'on two': (i) => (i < 2 ? 1 : 0),
}
const names = Object.keys(spreads)

async function run(kind: typeof hour | typeof minute, spread: string, times: number, more: Partial<RateLoad> = {}): Promise<RateOutcome> {
  const weight = spreads[spread] ?? (() => 0)
  const load = { seed: 1, isolates: 50, places: 5, limits, windows: 4, kvDelayMsMax: 60_000, ...kind }
  return simulateRateLimit({ ...load, weight, perWindow: Math.round(limitOf(load) * times), ...more })
}

/** Requests let through, in limits. */
const inLimits = (allowed: readonly number[], limit: number) => allowed.map((count) => count / limit)
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('a client of one isolate', () => {
  it.each([0.5, 1, 2, 10])('that sends %d times its limit is let through up to its limit exactly, and refused beyond', async (times) => {
    for (const kind of [hour, minute]) {
      const limit = limitOf({ ...kind, limits })
      const { allowed } = await run(kind, '', times, { weight: (i) => (i === 0 ? 1 : 0) })
      expect(allowed).toEqual(allowed.map(() => Math.min(limit, Math.round(limit * times))))
    }
  })
})

describe('a client of an hourly limit, spread over 50 isolates while KV is a minute late', () => {
  it.each(names)(
    '%s, is let through at most 3.5 times its limit in the first hour, 2.5 times in any other, and 1.5 times on average',
    async (spread) => {
      for (const times of [2, 10]) {
        for (const seed of [1, 2]) {
          const [first = 0, ...later] = inLimits((await run(hour, spread, times, { seed })).allowed, limits.userPerHour)
          expect(first).toBeLessThanOrEqual(3.5)
          expect(Math.max(...later)).toBeLessThanOrEqual(2.5)
          expect(mean(later)).toBeLessThanOrEqual(1.5)
        }
      }
    },
  )

  it.each(names)('%s, is not refused at half its limit', async (spread) => {
    for (const seed of [1, 2, 3]) {
      const { wronglyRefused } = await run(hour, spread, 0.5, { seed })
      expect(mean(inLimits(wronglyRefused, limits.userPerHour))).toBeLessThanOrEqual(0.02)
    }
  })
})

describe('a client of a minute’s limit', () => {
  it.each(names)('%s, gets no more than what its isolates alone would allow, for KV is as late as the minute is long', async (spread) => {
    for (const times of [2, 10]) {
      const { allowed } = await run(minute, spread, times, { windows: 10 })
      const most = spread === 'on two' ? 2 : times
      expect(Math.max(...inLimits(allowed, limits.anonymousPerMinute))).toBeLessThanOrEqual(most)
    }
  })
})

describe('a burst', () => {
  it('within one second gets the limit in every isolate that it reaches: nothing can be told so fast', async () => {
    const { allowed } = await run(minute, 'evenly over all', 100, { windowMs: 1_000, windows: 1 })
    expect(allowed).toEqual([50 * limits.anonymousPerMinute])
  })
})

describe('KV', () => {
  it.each(names)('is written once for a tenth of the limit, and by one isolate at most once in ten seconds: %s', async (spread) => {
    for (const times of [0.5, 1, 4]) {
      const { kvWrites, kvReads, allowed, writeGapMsMin } = await run(hour, spread, times, { kvDelayMsMax: 10_000 })
      const tenths = allowed.reduce((sum, count) => sum + count, 0) / (limits.userPerHour / 10)
      expect(kvWrites).toBeLessThanOrEqual(1.3 * tenths)
      // Once an isolate and hour, and for each hundredth of the limit.
      expect(kvReads).toBeLessThanOrEqual(50 * allowed.length + 10 * tenths + kvWrites)
      expect(writeGapMsMin).toBeGreaterThanOrEqual(10_000)
    }
  })

  it('is not written for almost all clients that use a hundredth of their limit', async () => {
    let writes = 0
    for (let seed = 1; seed <= 40; seed += 1) writes += (await run(hour, 'evenly over all', 0.01, { seed, windows: 1 })).kvWrites
    expect(writes).toBeLessThanOrEqual(10)
  })
})
