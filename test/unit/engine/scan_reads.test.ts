import { describe, expect, test } from 'vitest'
import { damagedMax, objectReadsAtOnceMax, scanReadsMax } from '../../../src/core/limits.ts'
import { mergeScans } from '../../../src/engine/query/merge.ts'
import { noCost } from '../../../src/engine/query/cost.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { requiredTokens } from '../../../src/engine/query/required_tokens.ts'
import type { AggregateOperation } from '../../../src/engine/query/types.ts'
import { scanSegments } from '../../../src/engine/segment/scan.ts'
import { openSegmentIndex } from '../../../src/engine/segment/index_reader.ts'
import { ahead } from '../../../src/engine/segment/scan_ahead.ts'
import { createByteCache } from '../../../src/engine/segment/scan_cache.ts'
import { createSegmentCaches, createSegmentReader } from '../../../src/engine/segment/scan_reader.ts'
import { searchSegments } from '../../../src/engine/segment/scan_rows.ts'
import type { ScanTarget } from '../../../src/engine/segment/scan_types.ts'
import { accessRows, receivedMs, row } from '../../support/rows.ts'
import type { MemoryObjects } from '../../support/scans.ts'
import { memoryObjects, readerOf, sealRows } from '../../support/scans.ts'

const view = { range: { fromMs: 0, toMs: 1e13 }, maxSeq: 2 ** 48 - 1, keepFromMs: 0, erasures: [] }

/** Segments of an access log, an hour after each other, with 2,000 rows to a block. */
function accessLog(segments: number, rowsEach = 8000): { store: MemoryObjects; target: ScanTarget } {
  const store = memoryObjects()
  const metas = Array.from({ length: segments }, (_, n) => {
    const rows = accessRows(rowsEach, n + 1).map((each) => ({ ...each, timestampMs: each.timestampMs + n * 3_600_000 }))
    if (n === 0) rows[100] = row({ ...rows[100], message: 'GET /zebra-quartz 373' })
    const sealed = rows.map((each, i) => ({ row: each, extra: { seq: n * rowsEach + i + 1, createdMs: receivedMs, updatedMs: 0 } }))
    return sealRows(store, `segment ${n}`, sealed, 2000)
  })
  return { store, target: { shard: 0, segments: metas, view, hidden: [] } }
}

const whole = { kind: 'count' } as const

function scan<O extends AggregateOperation = typeof whole>(
  { store, target }: ReturnType<typeof accessLog>,
  q: string,
  operation: O = whole as unknown as O,
  reader = readerOf(store),
) {
  return scanSegments([target], parseQuery(q), operation, { budgetBytes: Infinity, reader })
}

describe('a scan', () => {
  test('reads little of segments that do not have a rare word, and no block of them', async () => {
    const log = accessLog(4)
    const all = await scan(log, 'message:~"GE."')
    const rare = await scan(log, 'zebra')
    expect(rare).toMatchObject({
      result: { count: 1 },
      cost: { blocksConsidered: 16, blocksRead: 1, segmentsRead: 1, segmentsConsidered: 4 },
    })
    expect(rare.cost.objectBytes).toBeLessThan(all.cost.objectBytes / 2)
    const absent = await scan(log, 'quagga')
    expect(absent.cost).toMatchObject({ blocksRead: 0, segmentsRead: 0, bytesDecompressed: 0 })
  })

  test('asks nothing of the storage where the manifest answers', async () => {
    const log = accessLog(3)
    expect(await scan(log, '')).toMatchObject({ result: { count: 24_000 }, cost: { objectReads: 0 } })
    const byDay = { kind: 'histogram', bucketMs: 86_400_000 } as const
    expect((await scan(log, 'level:error', byDay)).cost).toMatchObject({ objectReads: 0, blocksRead: 0 })
    expect((await scan(log, 'level:trace')).cost).toMatchObject({ objectReads: 0, rowsMatched: 0 })
    expect(log.store.reads).toEqual([])
  })

  test('reads the indexes, and no page, where blocks lie in one bucket each', async () => {
    const log = accessLog(3)
    const byHalfHour = { kind: 'histogram', bucketMs: 1_800_000 } as const
    const { result, cost } = await scan(log, '', byHalfHour)
    expect(result.buckets).toHaveLength(3)
    expect(cost).toMatchObject({ rowsMatched: 24_000, blocksRead: 0, bytesDecompressed: 0 })
  })

  test('reads an index and a filter once an isolate, and columns that a filter does not ask for never', async () => {
    const log = accessLog(2)
    const caches = createSegmentCaches()
    const first = await scan(log, 'zebra', whole, createSegmentReader(log.store, caches))
    const second = await scan(log, 'zebra', whole, createSegmentReader(log.store, caches))
    expect(second.result).toEqual(first.result)
    expect(second.cost.objectReads).toBeLessThan(first.cost.objectReads)
    const one = await scan(log, 'status:502', whole, createSegmentReader(log.store, caches))
    const any = await scan(log, 'message:~"5.2"', whole, createSegmentReader(log.store, caches))
    expect(one.cost.bytesDecompressed).toBeLessThan(any.cost.bytesDecompressed)
  })

  test('has a few reads under way at a time, and ends at its number of reads', async () => {
    const log = accessLog(3)
    let running = 0
    let most = 0
    const counting = {
      async read(key: string, start: number, end: number) {
        most = Math.max(most, ++running)
        const bytes = await log.store.read(key, start, end)
        running--
        return bytes
      },
    }
    await scan(log, 'message:~"GE."', { kind: 'facets', fields: ['path', 'request_id'], limit: 3 }, readerOf(counting))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(objectReadsAtOnceMax)
    const spent = readerOf(log.store)
    spent.cost.objectReads = scanReadsMax
    expect(await scan(log, 'message:~"GE."', whole, spent)).toMatchObject({ budgetEnded: true })
  })

  test('finds all the same where token filters are damaged, and names them', async () => {
    const log = accessLog(1)
    const [meta] = log.target.segments
    const bytes = log.store.objects.get(meta!.key)!
    const index = openSegmentIndex(meta!, bytes.slice(-meta!.indexBytes))
    const partition = index.partitionOf('zebra')
    bytes[index.partitionRange(partition!).start]! ^= 1
    const damaged = [{ segment: 'segment 0', reason: expect.stringContaining(`filter partition ${partition}`) as unknown }]
    expect(await scan(log, 'zebra')).toMatchObject({ result: { count: 1 }, damaged })
  })

  test('leaves out a block whose pages are damaged, and names it', async () => {
    const log = accessLog(2)
    const [meta] = log.target.segments
    const bytes = log.store.objects.get(meta!.key)!
    const index = openSegmentIndex(meta!, bytes.slice(-meta!.indexBytes))
    const { bodyStart, bodyBytes } = index.blocks[2]!
    bytes.fill(0, bodyStart, bodyStart + bodyBytes)
    const operation = { kind: 'facets', fields: ['path'], limit: 5 } as const
    expect(await scan(log, '', operation)).toMatchObject({
      // The one log with a zebra has no path.
      result: { facets: [{ count: 13_999 }] },
      damaged: [{ segment: 'segment 0', reason: expect.stringMatching(/^block 2: /) as unknown }],
    })
  })

  test('fails when the storage does, and leaves nothing running behind', async () => {
    const log = accessLog(3)
    for (let call = 0; call < 12; call += 3) {
      let calls = 0
      const failing = {
        read: (...place: [string, number, number]) => (calls++ >= call ? Promise.reject(new Error('no')) : log.store.read(...place)),
      }
      await expect(scan(log, 'message:~"GE."', whole, readerOf(failing))).rejects.toThrow('the object storage did not answer')
    }
  })
})

test('a search of the newest logs reads one index and some of one block', async () => {
  const log = accessLog(5)
  const options = { order: 'newest', limit: 20 } as const
  const { result, cost } = await searchSegments([log.target], parseQuery(''), options, {
    budgetBytes: Infinity,
    reader: readerOf(log.store),
  })
  expect(result.rows).toHaveLength(20)
  expect(result.frontier).not.toBeNull()
  expect(cost).toMatchObject({ blocksRead: 1, segmentsRead: 1 })
  expect(new Set(log.store.reads.map(({ key }) => key))).toEqual(new Set(['segment 4']))
  expect(cost.objectReads).toBeLessThanOrEqual(6)
})

test.each([
  ['connection reset', ['connection', 'reset']],
  ['message:"Connection reset" -closed', ['connection', 'reset']],
  ['(alpha OR beta) gamma', ['alpha', 'beta', 'gamma']],
  ['alpha OR -beta', []],
  ['alpha OR level:error', []],
  ['user_id:* level:error', []],
  ['timeo*', []],
  ['message:~"web-(red|green)"', []],
  ['source:in(api, web)', ['api', 'web']],
])('token filters are asked for what %s requires', (q, tokens) => {
  expect(requiredTokens(parseQuery(q)).toSorted()).toEqual(tokens)
})

test('what is loaded ahead comes in order, waits within its weight, and fails where it is used', async () => {
  const log: string[] = []
  async function* items() {
    for (let n = 0; n < 6; n++) yield n
  }
  const load = async (n: number) => {
    log.push(`load ${n}`)
    if (n === 4) throw new Error('cannot load 4')
  }
  const taken: number[] = []
  const failed: number[] = []
  for await (const { item, loaded } of ahead(items(), { load, weightOf: () => 1, weightMax: () => 2, drop })) {
    taken.push(item)
    log.push(`take ${item}`)
    await loaded.catch(() => failed.push(item))
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  expect(taken).toEqual([0, 1, 2, 3, 4, 5])
  expect(failed).toEqual([4])
  expect(log.slice(0, 5)).toEqual(['load 0', 'load 1', 'load 2', 'take 0', 'load 3'])
})

test('a source that fails while others are worked on fails the whole, after what came before', async () => {
  async function* items() {
    yield 0
    yield 1
    throw new Error('the source failed')
  }
  const taken: number[] = []
  const all = async () => {
    for await (const { item } of ahead(items(), { load: async () => {}, weightOf: () => 1, weightMax: () => 9, drop })) {
      taken.push(item)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
  await expect(all()).rejects.toThrow('the source failed')
  expect(taken).toEqual([0, 1])
})

test('a cache by bytes forgets what was not used for longest, and takes nothing that is larger than itself', () => {
  const cache = createByteCache<string>(10)
  cache.put('a', 'A', 4)
  cache.put('b', 'B', 4)
  expect(cache.get('a')).toBe('A')
  cache.put('c', 'C', 4)
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C'])
  cache.put('d', 'D', 11)
  cache.put('a', 'A2', 6)
  expect([cache.get('a'), cache.get('c'), cache.get('d')]).toEqual(['A2', 'C', undefined])
})

test('an answer names a bounded number of damaged parts, each once', () => {
  const damaged = Array.from({ length: damagedMax + 5 }, (_, i) => ({ segment: `segment ${i}`, reason: 'bad' }))
  const scanned = { budgetEnded: false, cost: noCost(), damaged }
  expect(mergeScans([scanned, scanned]).damaged).toEqual(damaged.slice(0, damagedMax))
})

function drop(): void {}
