import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyMissingError, createBodyParts } from '../../../src/engine/segment/body.ts'
import { openSegmentIndex } from '../../../src/engine/segment/index_reader.ts'
import { readSegment } from '../../../src/engine/segment/reader.ts'
import { tokenize } from '../../../src/engine/encode/tokens.ts'
import type { SegmentMeta } from '../../../src/engine/segment/types.ts'
import { createSegmentWriter } from '../../../src/engine/segment/writer.ts'
import { runs } from '../../support/effort.ts'
import { accessRows, allRows, anyRows, newCost, row, storedRow } from '../../support/rows.ts'
import { segmentBlock, segmentOf } from '../../support/segments.ts'

function metaOf(bytes: Uint8Array): SegmentMeta {
  return { ...readSegment(bytes).meta, key: 'a', sha256: '' }
}

describe('a segment', () => {
  it('gives every row back as it was added, block by block', () => {
    fc.assert(
      fc.property(anyRows, fc.integer({ min: 1, max: 25 }), (rows, blockRows) => {
        const file = readSegment(segmentOf(rows, blockRows).bytes)
        const read = file.index.blocks.flatMap((_, n) => allRows(file.open(n, newCost())))
        expect(read).toEqual(rows.map((given, i) => storedRow(given, i + 1)))
      }),
      { numRuns: runs(60) },
    )
  })

  it('knows every token of its rows', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const file = readSegment(segmentOf(rows, 10).bytes)
        for (const n of file.index.blocks.keys()) {
          const block = file.open(n, newCost())
          for (const { message, attributes } of allRows(block)) {
            for (const token of tokenize(message)) expect(block.system('message').mayHaveToken(token)).toBe(true)
            for (const [name, value] of Object.entries(attributes)) {
              for (const token of tokenize(String(value))) expect(block.attribute(name)?.mayHaveToken(token)).toBe(true)
            }
          }
        }
      }),
      { numRuns: runs(60) },
    )
  })

  it('is described by the same metadata whether its writer or its reader tells', () => {
    const { bytes, meta } = segmentOf(accessRows(5000), 2000)
    expect(readSegment(bytes).meta).toEqual(meta)
    expect(meta).toMatchObject({ rows: 5000, blocks: 3, minSeq: 1, maxSeq: 5000, bytes: bytes.length })
    expect(meta.severityCounts.reduce((sum, count) => sum + count)).toBe(5000)
  })

  it('has an index that one range of its end holds', () => {
    const { bytes } = segmentOf(accessRows(5000), 2000)
    const meta = metaOf(bytes)
    const index = openSegmentIndex(meta, bytes.slice(bytes.length - meta.indexBytes))
    expect(index.blocks).toEqual(readSegment(bytes).index.blocks)
    expect(index.blocks.map(({ meta: { rows } }) => rows)).toEqual([2000, 2000, 1000])
    expect(index.memoryBytes).toBeLessThan(100_000)
  })

  it('keeps sequence numbers in any order', () => {
    const writer = createSegmentWriter()
    writer.add(segmentBlock(accessRows(100), 0, (i) => 5000 - i * 7))
    const { bytes, meta } = writer.finish()
    expect(meta).toMatchObject({ minSeq: 5000 - 99 * 7, maxSeq: 5000 })
    expect(allRows(readSegment(bytes).open(0, newCost())).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 100 }, (_, i) => 5000 - i * 7),
    )
  })
})

describe('a block of a segment, opened from its index', () => {
  const rows = accessRows(12_000)
  const { bytes } = segmentOf(rows, rows.length)
  const meta = metaOf(bytes)
  const index = openSegmentIndex(meta, bytes.slice(bytes.length - meta.indexBytes))
  const [entry] = index.blocks

  /** The block with these ranges of its body in memory. */
  function open(ranges: readonly { start: number; end: number }[]) {
    const body = createBodyParts()
    const add = ({ start, end }: { start: number; end: number }) =>
      body.add(start, bytes.slice((entry?.bodyStart ?? 0) + start, (entry?.bodyStart ?? 0) + end))
    for (const range of ranges) add(range)
    return { block: index.open(0, new Map(), body, newCost()), add }
  }

  it('reads a column from the ranges that it names, and nothing else', () => {
    const planned = open([]).block
    const ids = planned.attribute('request_id')
    const ranges = planned.storedRanges(ids === undefined ? [] : [ids])
    const { block } = open(ranges)
    expect(block.attribute('request_id')?.data().kind).toBe('text')
    expect(ranges.reduce((sum, { start, end }) => sum + end - start, 0)).toBeLessThan((entry?.bodyBytes ?? 0) * 0.8)
    expect(() => block.system('timestamp').data()).toThrow(BodyMissingError)
    expect(() => planned.attribute('request_id')?.data()).toThrow(BodyMissingError)
  })

  it('names what a few rows need until nothing is missing, and then gives them', () => {
    const wanted = [97, 17, 24]
    const { block, add } = open([])
    let rounds = 0
    let read = 0
    for (let missing = block.missingRanges(wanted); missing.length > 0; missing = block.missingRanges(wanted)) {
      expect(() => block.materialise(wanted)).toThrow(BodyMissingError)
      for (const range of missing) {
        read += range.end - range.start
        add(range)
      }
      rounds++
    }
    expect(block.materialise(wanted)).toEqual(wanted.map((at) => storedRow(rows[at] ?? row(), at + 1)))
    expect(rounds).toBeLessThanOrEqual(3)
    expect(read).toBeLessThan((entry?.bodyBytes ?? 0) / 2)
  })

  it('rules a token out once the partition for it was read', () => {
    let ruledOut = 0
    for (let i = 0; i < 1000; i++) {
      const token = `absent${i}`
      const partition = index.partitionOf(token) ?? -1
      const { start, end } = index.partitionRange(partition)
      const read = new Map([[partition, index.openPartition(partition, bytes.slice(start, end))]])
      const ids = (partitions: typeof read) => index.open(0, partitions, createBodyParts(), newCost()).attribute('request_id')
      expect(ids(new Map())?.mayHaveToken(token)).toBe(true)
      if (ids(read)?.mayHaveToken(token) === false) ruledOut++
    }
    expect(ruledOut).toBeGreaterThanOrEqual(990)
  })
})
