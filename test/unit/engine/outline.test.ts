import fc from 'fast-check'
import { expect, test } from 'vitest'
import { filterPartitions } from '../../../src/engine/encode/bloom.ts'
import { mayMatch } from '../../../src/engine/query/block_filter.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { createBodyParts } from '../../../src/engine/segment/body.ts'
import { readIndex } from '../../../src/engine/segment/index_reader.ts'
import { scanSegments } from '../../../src/engine/segment/scan.ts'
import type { SegmentReader } from '../../../src/engine/segment/scan_reader.ts'
import { createSegmentCaches, createSegmentReader } from '../../../src/engine/segment/scan_reader.ts'
import type { FilterPartition, SegmentIndex } from '../../../src/engine/segment/types.ts'
import { runs } from '../../support/effort.ts'
import { anyQuery } from '../../support/queries.ts'
import { accessRows, anyRows, newCost, receivedMs, row } from '../../support/rows.ts'
import { memoryObjects, sealRows } from '../../support/scans.ts'
import { segmentOf } from '../../support/segments.ts'

function partitionsOf(index: SegmentIndex, bytes: Uint8Array): Map<number, FilterPartition> {
  const partitions = new Map<number, FilterPartition>()
  for (let partition = 0; partition < filterPartitions; partition++) {
    const { start, end } = index.partitionRange(partition)
    if (end > start) partitions.set(partition, index.openPartition(partition, bytes.subarray(start, end)))
  }
  return partitions
}

/** What outlines rule out, and what the opened blocks themselves do, with these partitions at hand. */
function ruledOut(index: SegmentIndex, q: string, partitions: ReadonlyMap<number, FilterPartition>): [boolean[], boolean[]] {
  const filter = parseQuery(q)
  const numbers = [...index.blocks.keys()]
  return [
    numbers.map((n) => !index.outline(n).mayMatch(filter, partitions)),
    numbers.map((n) => !mayMatch(filter, index.open(n, partitions, createBodyParts(), newCost()))),
  ]
}

test('an outline rules out what the block itself does, whatever its rows and the query', () => {
  const rowsAndQuery = anyRows.chain((rows) =>
    fc.tuple(fc.constant(rows), fc.oneof(anyQuery(rows), fc.constant('updated_at:>2026-11-22T07:00:00Z'))),
  )
  fc.assert(
    fc.property(rowsAndQuery, fc.constantFrom(1, 7, 1000), ([rows, q], blockRows) => {
      const { bytes } = segmentOf(rows, blockRows)
      const { index } = readIndex(bytes, bytes.length)
      const [outlines, blocks] = ruledOut(index, q, partitionsOf(index, bytes))
      expect(outlines).toEqual(blocks)
    }),
    { numRuns: runs(200) },
  )
})

test('an outline asks the partitions that are at hand each time, and rules nothing out by those that are not', () => {
  const { bytes } = segmentOf([...accessRows(3000), row({ message: 'the one quagga' })], 2000)
  const { index } = readIndex(bytes, bytes.length)
  const partitions = partitionsOf(index, bytes)
  expect(partitions.size).toBe(filterPartitions)
  for (const q of ['quagga', 'GET', 'nowhere1', 'path:nowhere2', 'status:502', 'quagga GET', '-quagga']) {
    const [outlines, blocks] = ruledOut(index, q, partitions)
    expect({ q, ruledOut: outlines }).toEqual({ q, ruledOut: blocks })
  }
  const outline = index.outline(0)
  const absent = parseQuery('quagga')
  expect([partitions, new Map(), partitions].map((atHand) => outline.mayMatch(absent, atHand))).toEqual([false, true, false])
})

test('a word that is asked for again opens no head but those of the blocks that may have it', async () => {
  const store = memoryObjects()
  const rows = accessRows(6000).map((each, i) => (i === 4500 ? { ...each, message: 'the one quagga' } : each))
  const sealed = rows.map((each, i) => ({ row: each, extra: { seq: i + 1, createdMs: receivedMs, updatedMs: 0 } }))
  const segment = sealRows(store, 'segment', sealed, 1000)
  const view = { range: { fromMs: 0, toMs: 1e13 }, maxSeq: 2 ** 48 - 1, keepFromMs: 0, erasures: [] }
  const caches = createSegmentCaches()
  const heads = async (q: string) => {
    const opened: string[] = []
    const reader = countHeads(createSegmentReader(store, caches), opened)
    const target = { shard: 0, segments: [segment], view, hidden: [] }
    const { result } = await scanSegments([target], parseQuery(q), { kind: 'count' }, { budgetBytes: Infinity, reader })
    return { count: result.count, opened }
  }
  expect((await heads('quagga')).count).toBe(1)
  const again = await heads('quagga')
  expect(again).toEqual({ count: 1, opened: [expect.stringMatching(/^block \d$/)] })
  expect(await heads('nowhere1')).toEqual({ count: 0, opened: [] })
  expect((await heads('quagga OR nowhere1')).opened).toEqual(again.opened)
})

/** The reader, noting the blocks whose heads are opened. */
function countHeads(reader: SegmentReader, opened: string[]): SegmentReader {
  return {
    ...reader,
    async index(meta) {
      const index = await reader.index(meta)
      return {
        ...index,
        open(n, ...more) {
          opened.push(`block ${n}`)
          return index.open(n, ...more)
        },
        outline(n) {
          opened.push(`outline ${n}`)
          return index.outline(n)
        },
      }
    },
  }
}
