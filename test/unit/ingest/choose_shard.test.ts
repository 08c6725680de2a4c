import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idempotencyTtlMs, shardActivationMs } from '../../../src/core/limits.ts'
import type { KnownShard } from '../../../src/db/log_shards.ts'
import { chooseShards } from '../../../src/ingest/choose_shard.ts'
import { runs } from '../../support/effort.ts'

const nowMs = Date.parse('2026-11-22T12:00:00Z')
const day = idempotencyTtlMs
const keyHash = (key: string | number) => createHash('sha256').update(String(key)).digest('hex')
const shard = (number: number, ageMs: number, region = 'weur'): KnownShard => ({ number, region, createdAt: nowMs - ageMs })
const numbers = (shards: readonly KnownShard[], key?: string | number, at = nowMs) =>
  chooseShards(shards, 'weur', key === undefined ? undefined : keyHash(key), at).map(({ number }) => number)

describe('the choice of a shard', () => {
  it('stays in the region', () => {
    const shards = [shard(0, 9 * day, 'enam'), shard(1, 9 * day), shard(2, 9 * day, 'apac')]
    expect(numbers(shards)).toEqual([1])
    expect(numbers(shards, 'a')).toEqual([1])
  })

  it('takes the first shard from its first moment, and a further one only when every isolate knows it', () => {
    const shards = [shard(0, 0), shard(1, shardActivationMs - 1)]
    expect(new Set(Array.from({ length: 200 }, () => numbers(shards)[0]))).toEqual(new Set([0]))
    expect(new Set(Array.from({ length: 200 }, () => numbers(shards, undefined, nowMs + 1)[0]))).toEqual(new Set([0, 1]))
  })

  it('spreads keys evenly', () => {
    const shards = Array.from({ length: 4 }, (_, i) => shard(i, 9 * day))
    const counts = [0, 0, 0, 0]
    for (let i = 0; i < 8000; i++) counts[numbers(shards, i)[0]!]! += 1
    for (const count of counts) expect(count).toBeGreaterThan(1800)
  })

  it('answers one shard, the same each time, when none was added lately', () => {
    const shards = [shard(0, 9 * day), shard(1, 8 * day), shard(2, 2 * day)]
    fc.assert(
      fc.property(fc.string(), (key) => {
        const chosen = numbers(shards, key)
        expect(chosen).toHaveLength(1)
        expect(numbers(shards, key)).toEqual(chosen)
      }),
      { numRuns: runs(100) },
    )
  })

  it('names every shard that was the choice within the last 24 hours', () => {
    const ages = fc.uniqueArray(fc.integer({ min: 0, max: 3 * day }), { minLength: 1, maxLength: 6 })
    const names = fc.check(
      fc.property(ages, fc.string(), fc.array(fc.integer({ min: 0, max: day }), { maxLength: 20 }), (list, key, earlier) => {
        const shards = list.toSorted((a, b) => b - a).map((age, i) => shard(i, age))
        const chosen = numbers(shards, key)
        return earlier.every((beforeMs) => {
          const then = nowMs - beforeMs
          const existing = shards.filter(({ createdAt }) => createdAt <= then)
          return existing.length === 0 || chosen.includes(numbers(existing, key, then)[0] ?? -1)
        })
      }),
      { numRuns: runs(200) },
    )
    expect(names.counterexample).toBeNull()
  })

  it('moves only the keys that a new shard wins', () => {
    const before = [shard(0, 9 * day), shard(1, 9 * day)]
    const after = [...before, shard(2, shardActivationMs)]
    const kept = Array.from({ length: 500 }, (_, i) => i).filter((key) => numbers(after, key)[0] !== 2)
    expect(kept.length).toBeGreaterThan(250)
    expect(kept.map((key) => numbers(after, key)[0])).toEqual(kept.map((key) => numbers(before, key)[0]))
  })
})
