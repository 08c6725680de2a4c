import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { segmentBlocksMax, segmentIndexBytesMax } from '../../../src/core/limits.ts'
import { addRow, createBuffer } from '../../../src/engine/block/block_buffer.ts'
import { BlockError } from '../../../src/engine/block/block_error.ts'
import { systemColumns } from '../../../src/engine/block/format.ts'
import type { Block, ByteRange, Column } from '../../../src/engine/block/types.ts'
import { tokenize } from '../../../src/engine/encode/tokens.ts'
import { encodeSegmentBlock } from '../../../src/engine/segment/block_encoder.ts'
import { BodyMissingError, createBodyParts } from '../../../src/engine/segment/body.ts'
import { openSegmentIndex } from '../../../src/engine/segment/index_reader.ts'
import { readSegment } from '../../../src/engine/segment/reader.ts'
import type { FilterPartition, SegmentMeta } from '../../../src/engine/segment/types.ts'
import { createSegmentWriter } from '../../../src/engine/segment/writer.ts'
import { runs } from '../../support/effort.ts'
import { accessRows, allRows, anyRows, newCost, receivedMs, row, storedRow } from '../../support/rows.ts'
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

/** Block `n` with nothing of its body in memory, and what reads more of it. */
function openEmpty(bytes: Uint8Array, n: number, partitions: ReadonlyMap<number, FilterPartition> = new Map()) {
  const { index } = readSegment(bytes)
  const start = index.blocks[n]?.bodyStart ?? 0
  const body = createBodyParts()
  const add = (ranges: readonly ByteRange[]) => {
    for (const range of ranges) body.add(range.start, bytes.slice(start + range.start, start + range.end))
  }
  return { block: index.open(n, partitions, body, newCost()), add }
}

/** Reads what these rows lack until nothing is missing; answers how many bytes that took, round by round. */
function readMissing({ block, add }: ReturnType<typeof openEmpty>, rows: readonly number[]): number[] {
  const read: number[] = []
  for (let missing = block.missingRanges(rows); missing.length > 0; missing = block.missingRanges(rows)) {
    expect(() => block.materialise(rows)).toThrow(BodyMissingError)
    read.push(missing.reduce((sum, { start, end }) => sum + end - start, 0))
    add(missing)
  }
  return read
}

describe('a block of a segment of which only parts are read', () => {
  it('has every column from the ranges that it names for it', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const { bytes } = segmentOf(rows, rows.length)
        const whole = readSegment(bytes).open(0, newCost())
        for (const [i, column] of columnsOf(whole).entries()) {
          const opened = openEmpty(bytes, 0)
          const part = columnsOf(opened.block)[i]
          opened.add(opened.block.storedRanges(part === undefined ? [] : [part]))
          expect(part?.presence()).toEqual(column.presence())
          expect(part?.data()).toEqual(column.data())
        }
      }),
      { numRuns: runs(40) },
    )
  })

  it('has rows once nothing is missing that it names for them, after three rounds at most', () => {
    fc.assert(
      fc.property(anyRows, fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), (rows, picks) => {
        const wanted = picks.map((pick) => pick % rows.length)
        const opened = openEmpty(segmentOf(rows, rows.length).bytes, 0)
        expect(readMissing(opened, wanted).length).toBeLessThanOrEqual(3)
        expect(opened.block.materialise(wanted)).toEqual(wanted.map((at) => storedRow(rows[at] ?? row(), at + 1)))
      }),
      { numRuns: runs(100) },
    )
  })

  const rows = accessRows(30_000)
  const { bytes, meta } = segmentOf(rows, rows.length)

  it('needs few bytes for a few rows', () => {
    const wanted = [97, 17, 24]
    const opened = openEmpty(bytes, 0)
    const read = readMissing(opened, wanted)
    expect(opened.block.materialise(wanted)).toEqual(wanted.map((at) => storedRow(rows[at] ?? row(), at + 1)))
    expect(read.reduce((sum, each) => sum + each)).toBeLessThan(meta.bytes / 2)
  })

  it('tells a page that was not read from a damaged one', () => {
    const { block, add } = openEmpty(bytes, 0)
    add(block.storedRanges([block.system('severity')]))
    expect(block.system('severity').data().kind).toBe('dictionary')
    expect(() => block.system('timestamp').data()).toThrow(BodyMissingError)
    expect(() => block.system('timestamp').data()).not.toThrow(BlockError)
  })

  it('rules a token out once the partition for it was read', () => {
    const { index } = readSegment(bytes)
    const tokens = Array.from({ length: 1000 }, (_, i) => `absent${i}`)
    const passed = tokens.filter((token) => {
      const partition = index.partitionOf(token) ?? -1
      const { start, end } = index.partitionRange(partition)
      const read = new Map([[partition, index.openPartition(partition, bytes.slice(start, end))]])
      expect(openEmpty(bytes, 0).block.attribute('request_id')?.mayHaveToken(token)).toBe(true)
      return openEmpty(bytes, 0, read).block.attribute('request_id')?.mayHaveToken(token)
    })
    expect(passed.length).toBeLessThanOrEqual(10)
  })
})

function columnsOf(block: Block): Column[] {
  return [...systemColumns.map((name) => block.system(name)), ...block.attributes]
}

it('a segment rules out numbers that no row has, within the range of those that rows have', () => {
  const rows = Array.from({ length: 5000 }, (_, i) =>
    row({ attributes: { order: 7_000_000 + i * 13, status: [200, 404, -5][i % 3] ?? 0 } }),
  )
  const block = readSegment(segmentOf(rows, rows.length).bytes).open(0, newCost())
  const [order, status] = [block.attribute('order'), block.attribute('status')]
  for (const { values } of rows)
    expect([order?.mayHaveToken(String(values[0])), status?.mayHaveToken(String(Math.abs(Number(values[1]))))]).toEqual([true, true])
  const others = Array.from({ length: 2000 }, (_, i) => String(7_000_001 + i * 13))
  expect(others.filter((token) => order?.mayHaveToken(token)).length).toBeLessThanOrEqual(20)
  expect(status?.mayHaveToken('300')).toBe(false)
})

describe('a segment writer', () => {
  it('tells about how large the segment will be', () => {
    const writer = createSegmentWriter()
    for (let n = 0; n < 3; n++) writer.add(segmentBlock(accessRows(2000, n), 1 + n * 2000))
    const { bytes } = writer
    expect(Math.abs(writer.finish().bytes.length / bytes - 1)).toBeLessThan(0.02)
  })

  it('can be used again, and refuses to make a segment of nothing', () => {
    const writer = createSegmentWriter()
    const block = segmentBlock(accessRows(10), 1)
    writer.add(block)
    const first = writer.finish()
    expect(() => writer.finish()).toThrow(RangeError)
    writer.add(block)
    expect(writer.finish()).toEqual(first)
  })

  it('refuses more blocks than a segment may have', () => {
    const writer = createSegmentWriter()
    const block = segmentBlock([row()], 1)
    for (let n = 0; n < segmentBlocksMax; n++) writer.add(block)
    expect(() => writer.add(block)).toThrow(`at most ${segmentBlocksMax} blocks`)
  })

  it('refuses a longer index than a reader takes', () => {
    const writer = createSegmentWriter()
    const block = { ...segmentBlock([row()], 1), head: new Uint8Array(segmentIndexBytesMax / 2) }
    writer.add(block)
    writer.add({ ...block, head: block.head.subarray(1000) })
    expect(() => writer.add(segmentBlock(accessRows(2000), 2))).toThrow(`at most ${segmentIndexBytesMax} bytes`)
  })
})

it('a block of a segment needs a sequence number for each row', () => {
  const buffer = createBuffer()
  addRow(buffer, row(), undefined, receivedMs)
  expect(() => encodeSegmentBlock(buffer)).toThrow(RangeError)
  expect(() => encodeSegmentBlock(createBuffer())).toThrow(RangeError)
})
