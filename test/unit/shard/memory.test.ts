import { describe, expect, test } from 'vitest'
import { idempotencyKeysMax, idempotencyTtlMs } from '../../../src/core/limits.ts'
import { createHeadCache } from '../../../src/objects/log-shard/head_cache.ts'
import { createKeyMemory } from '../../../src/objects/log-shard/idempotency.ts'
import type { ShardStore } from '../../../src/objects/log-shard/store.ts'

describe('the cache of heads', () => {
  function cache(bytesMax: number) {
    const reads: number[] = []
    const read = (firstSeq: number) => {
      reads.push(firstSeq)
      return new Uint8Array(10)
    }
    return { reads, heads: createHeadCache(bytesMax, read) }
  }

  test('reads a head once while it fits', () => {
    const { reads, heads } = cache(30)
    for (const seq of [1, 2, 1, 3, 2, 1]) heads.get(seq)
    expect(reads).toEqual([1, 2, 3])
  })

  test('keeps within its bytes by giving up what was longest unused', () => {
    const { reads, heads } = cache(30)
    for (const seq of [1, 2, 3, 1, 4, 1, 2]) heads.get(seq)
    expect(reads).toEqual([1, 2, 3, 4, 2])
    expect(heads.bytes()).toBe(30)
  })

  test('answers a head that alone is too large without keeping it', () => {
    const { reads, heads } = cache(5)
    expect(heads.get(1).byteLength).toBe(10)
    heads.get(1)
    expect(reads).toEqual([1, 1])
    expect(heads.bytes()).toBe(0)
  })
})

describe('the memory of idempotency keys', () => {
  const hash = (n: number) => n.toString(16).padStart(12, '0').padEnd(64, '0')
  const store = {
    loadSealedKeys: () => [],
    readSealedKeys: () => undefined,
    readBatch: (firstSeq: number) => ({ firstSeq, createdMs: 0, keyHash: hash(firstSeq), bodyHash: '', accepted: 1, rejected: 0 }),
  } as unknown as ShardStore
  const entry = (n: number, createdMs: number) => ({ keyHash: hash(n), firstSeq: n, createdMs })

  test('holds a limited number of them, the oldest giving way', () => {
    const keys = createKeyMemory(store, () => [])
    expect(keys.find(hash(1), 1000)).toBeUndefined()
    for (let n = 1; n <= idempotencyKeysMax + 1; n++) keys.remember(entry(n, 1000), 1000)
    expect(keys.find(hash(1), 1000)).toBeUndefined()
    expect(keys.find(hash(2), 1000)).toMatchObject({ firstSeq: 2 })
  })

  test('lets go of those that are past their time when a new one comes', () => {
    const keys = createKeyMemory(store, () => Array.from({ length: 10 }, (_, i) => entry(i + 1, i + 1)))
    expect(keys.find(hash(5), 10)).toMatchObject({ firstSeq: 5 })
    keys.remember(entry(11, idempotencyTtlMs + 5), idempotencyTtlMs + 5)
    // Asked as of a time when all were known.
    expect([5, 6].map((n) => keys.find(hash(n), 10)?.firstSeq)).toEqual([undefined, 6])
  })
})
