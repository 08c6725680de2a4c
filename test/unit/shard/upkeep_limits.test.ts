import { text } from '../../../src/objects/log-shard/sql.ts'
import { describe, expect, test } from 'vitest'
import {
  erasuresEndedMax,
  erasuresPerShardMax,
  manifestKeepMs,
  manifestPageMax,
  segmentBlocksMax,
  segmentBytesMax,
  segmentGraceMs,
  segmentIndexBytesMax,
  segmentRowsMax,
  sealedKeysPerRowMax,
} from '../../../src/core/limits.ts'
import { findKey, packKeys, unpackKeys } from '../../../src/objects/log-shard/sealed_keys.ts'
import { mustEnd } from '../../../src/objects/log-shard/upkeep/rewrite.ts'
import { append, batch, identity, range, search, visible, world } from './shard_world.ts'

describe('a segment', () => {
  const block = { minMs: 100, rows: 10, bytes: 10, indexBytes: 10 }

  test.each([
    ['rows', { ...block, rows: segmentRowsMax - 10 }],
    ['bytes', { ...block, bytes: segmentBytesMax - 10 }],
    ['bytes of index', { ...block, indexBytes: segmentIndexBytesMax - 10 }],
  ])('ends before it has too many %s', (_, first) => {
    expect(mustEnd([first], block, [])).toBe(false)
    expect(mustEnd([first, block], block, [])).toBe(true)
  })

  test('ends before it has too many blocks, and at a border', () => {
    const blocks = Array.from({ length: segmentBlocksMax }, () => block)
    expect(mustEnd(blocks.slice(1), block, [])).toBe(false)
    expect(mustEnd(blocks, block, [])).toBe(true)
    expect(mustEnd([block], { ...block, minMs: 200 }, [201])).toBe(false)
    expect(mustEnd([block], { ...block, minMs: 200 }, [200])).toBe(true)
    expect(mustEnd([], { ...block, rows: 2 * segmentRowsMax }, [])).toBe(false)
  })
})

describe('sealed keys', () => {
  test('are packed into rows of a limited size, where each is found', () => {
    const hash = (n: number) => n.toString(16).padStart(64, '0')
    const batches = Array.from({ length: sealedKeysPerRowMax + 2 }, (_, i) => ({
      keyHash: hash(i),
      bodyHash: hash(i + 1),
      firstSeq: i * 3 + 1,
      createdMs: 1000 + i,
      receivedMs: 900 + i,
      accepted: 3,
      rejected: i % 2,
    }))
    const packs = [...packKeys(batches)]
    expect(packs.map(({ firstSeq, newestMs, keys }) => [firstSeq, newestMs, keys.length])).toEqual([
      [1, 1000 + sealedKeysPerRowMax - 1, sealedKeysPerRowMax * 96],
      [sealedKeysPerRowMax * 3 + 1, 1000 + sealedKeysPerRowMax + 1, 2 * 96],
    ])
    expect(packs.flatMap(({ keys }) => [...unpackKeys(keys)])).toEqual(batches)
    expect(findKey(packs[0]!.keys, 301)).toEqual(batches[100])
    expect([findKey(packs[0]!.keys, 302), findKey(packs[0]!.keys, 1e9)]).toEqual([undefined, undefined])
  })

  test('of a form that cannot be packed are refused with their batch', () => {
    const { core } = world()
    const request = batch(['a'], 'aa')
    const bad = { ...request, idempotency: { ...request.idempotency!, bodyHash: 'no hash' } }
    expect(() => append(core, bad)).toThrow(RangeError)
    expect(core.ping()).toEqual({ lastSeq: 0 })
  })
})

describe('deletes by query', () => {
  test('are limited in number', async () => {
    const { core } = world()
    append(core, batch(['a']))
    const start = (id: string) => core.startErase(identity, { id, q: 'nothing', range })
    for (let i = 0; i < erasuresPerShardMax; i++) expect(start(`${i}`)).toMatchObject({ status: 'started' })
    expect(start('more')).toEqual({ status: 'too_many_erasures' })
    expect(core.eraseProgress(identity, 'more')).toEqual({ status: 'unknown' })
    await core.sealNow(identity)
    expect(core.eraseProgress(identity, '0')).toEqual({ status: 'done', erased: 0, damaged: 0 })
    expect(start('more')).toMatchObject({ status: 'started' })
  })

  test('that are over are told without their query, so many of the newest, and start nothing again', async () => {
    const { core, clock, sql, open } = world()
    append(core, batch(['a']))
    const count = erasuresEndedMax + 3 * erasuresPerShardMax
    for (let i = 0; i < count; i++) {
      clock.nowMs++
      expect(core.startErase(identity, { id: `${i}`, q: `nothing ${'x'.repeat(1000)}`, range })).toEqual({ status: 'started', maxSeq: 1 })
      if ((i + 1) % erasuresPerShardMax === 0) await core.sealNow(identity)
    }
    const ended = sql.all('SELECT erasure FROM ended_erasures').map(({ erasure }) => text(erasure))
    expect(ended).toHaveLength(erasuresEndedMax)
    expect(Math.max(...ended.map(({ length }) => length))).toBeLessThan(300)
    expect(sql.all('SELECT id FROM erasures')).toEqual([])
    for (const shard of [core, open()]) {
      expect(shard.eraseProgress(identity, '0')).toEqual({ status: 'unknown' })
      expect(shard.eraseProgress(identity, `${count - 1}`)).toEqual({ status: 'done', erased: 0, damaged: 0 })
      expect(shard.startErase(identity, { id: `${count - 1}`, q: 'a', range })).toEqual({ status: 'started', maxSeq: 1 })
      expect(search(shard).erasures).toEqual([])
    }
  })
})

describe('the manifest', () => {
  test('comes in pages of a limited size', () => {
    const { core } = world()
    for (const limit of [0, 1.5, manifestPageMax + 1]) expect(() => core.manifest(identity, { afterNumber: 0, limit })).toThrow(RangeError)
  })

  test('forgets old operations whose segments are gone, and keeps their hash as an anchor', async () => {
    const here = world()
    const { core, clock } = here
    for (const text of 'abcdefgh') {
      append(core, batch([text]))
      await core.sealNow(identity)
    }
    const before = core.manifest(identity, { afterNumber: 0, limit: 100 })
    expect(before.operations).toHaveLength(9)
    clock.nowMs += manifestKeepMs + segmentGraceMs
    await core.sealNow(identity)
    const after = core.manifest(identity, { afterNumber: 0, limit: 100 })
    expect(after.operations.map(({ kind }) => kind)).toEqual(['merge'])
    expect(after.anchor).toEqual({ number: 8, hash: before.operations[7]!.hash })
    expect(after.operations[0]!.previousHash).toBe(after.anchor.hash)
    expect(visible(here, here.open())).toHaveLength(8)
  })
})
