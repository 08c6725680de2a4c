import { describe, expect, it } from 'vitest'
import { movedKeyMs, movedKeysMax, shardRateWindowMs } from '../../../src/core/limits.ts'
import { createMovedKeys } from '../../../src/objects/log-shard/control/moved_keys.ts'
import { createIngestRate } from '../../../src/objects/log-shard/control/rate.ts'
import { createWindowMap } from '../../../src/objects/log-shard/control/windows.ts'

const limits = { appendsPerSecondMax: 2, bytesPerSecondMax: 1000 }
const appendsPerWindow = (limits.appendsPerSecondMax * shardRateWindowMs) / 1000

describe('the ingest rate of a shard', () => {
  it('calls it busy as soon as a window holds more batches than the limit allows', () => {
    const rate = createIngestRate(limits)
    const answers = Array.from({ length: appendsPerWindow + 1 }, (_, i) => rate.note(1, i))
    expect(answers.slice(0, -1)).not.toContain(true)
    expect(answers.at(-1)).toBe(true)
  })

  it('calls it busy by bytes alone', () => {
    const rate = createIngestRate(limits)
    expect(rate.note(10_000, 0)).toBe(false)
    expect(rate.note(1, 0)).toBe(true)
  })

  it('says so through the next window, and no longer than that', () => {
    const rate = createIngestRate(limits)
    rate.note(20_000, 0)
    expect(rate.note(1, shardRateWindowMs)).toBe(true)
    expect(rate.note(1, 2 * shardRateWindowMs)).toBe(false)
  })

  it('forgets a busy time that is long over, or that a clock which went back leaves ahead', () => {
    for (const nowMs of [5 * shardRateWindowMs, 0]) {
      const rate = createIngestRate(limits)
      rate.note(20_000, 3 * shardRateWindowMs)
      expect(rate.note(1, nowMs)).toBe(false)
    }
  })
})

describe('keys that moved to another shard', () => {
  it('are known as long as a batch may be under way', () => {
    const moved = createMovedKeys()
    moved.add('a', 0)
    expect(moved.has('a', movedKeyMs - 1)).toBe(true)
    expect(moved.has('a', movedKeyMs)).toBe(false)
    expect(moved.has('b', 0)).toBe(false)
  })

  it('are forgotten when their time is over, or when there are too many', () => {
    const moved = createMovedKeys()
    for (let i = 0; i < movedKeysMax + 10; i++) moved.add(`key ${i}`, 0)
    expect([moved.has('key 9', 0), moved.has('key 10', 0)]).toEqual([false, true])
    moved.add('late', movedKeyMs)
    expect([moved.has('key 10', 0), moved.has('late', 0)]).toEqual([false, true])
  })
})

describe('the windows of minutes and months', () => {
  it.each([
    ['forwards', [1, 2, 3, 4], [2, 3, 4]],
    ['backwards', [4, 3, 2, 1], [3, 2, 1]],
    ['far ahead and back again', [900, 901, 902, 5], [900, 901, 5]],
  ])('keep those near the present one when the clock goes %s', (_, ids, kept) => {
    const windows = createWindowMap<{ id: number }>([], () => ({ id: 0 }))
    for (const id of ids) windows.at(id).id = id
    expect(windows.entries().map(([id]) => id)).toEqual(kept)
    expect(windows.peek(ids.at(-1)!)).toEqual({ id: ids.at(-1) })
  })
})
