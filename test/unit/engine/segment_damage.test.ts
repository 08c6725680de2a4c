import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pageRawBytesMax, segmentBlocksMax, segmentIndexBytesMax } from '../../../src/core/limits.ts'
import { BlockError } from '../../../src/engine/block/block_error.ts'
import { writePages } from '../../../src/engine/block/page_writer.ts'
import { createSink, writeVarint } from '../../../src/engine/encode/bytes.ts'
import { createBodyParts } from '../../../src/engine/segment/body.ts'
import { pageEntryBytes, tailChecksum, trailerBytes, trailerOffsets } from '../../../src/engine/segment/format.ts'
import { writeIndexContent } from '../../../src/engine/segment/index_entry.ts'
import { openSegmentIndex } from '../../../src/engine/segment/index_reader.ts'
import { readSegment } from '../../../src/engine/segment/reader.ts'
import { SegmentError } from '../../../src/engine/segment/segment_error.ts'
import type { SegmentFile, SegmentMeta } from '../../../src/engine/segment/types.ts'
import { createSegmentWriter } from '../../../src/engine/segment/writer.ts'
import { otherError, readBlock } from '../../support/damage.ts'
import { runs } from '../../support/effort.ts'
import { accessRows, newCost } from '../../support/rows.ts'
import { segmentBlock } from '../../support/segments.ts'

/** A block of which one filter is partitioned, and a small one with its own sequence numbers. */
const blocks = [segmentBlock(accessRows(600), 1), segmentBlock(accessRows(20, 2), 700, (i) => 750 - 2 * i)]
const writer = createSegmentWriter()
for (const block of blocks) writer.add(block)
const segment = writer.finish()
const meta: SegmentMeta = { ...segment.meta, key: 'org/a', sha256: '' }
const bodiesEnd = 8 + blocks.reduce((sum, { body }) => sum + body.length, 0)

/** Reads all there is to read. */
function readAll(file: SegmentFile): void {
  for (const n of file.index.blocks.keys()) readBlock(file.open(n, newCost()))
}

/** A segment whose index has this content, with all checksums right: what a forger would do. */
function withIndex(content: Uint8Array): Uint8Array {
  const raw = createSink(content.length)
  raw.bytes.set(content)
  raw.length = content.length
  const { entries, body } = writePages(raw, [content.length])
  const tail = new Uint8Array(entries.length * pageEntryBytes + trailerBytes)
  const view = new DataView(tail.buffer)
  for (const [i, { rawBytes, storedBytes, checksum }] of entries.entries()) {
    for (const [j, value] of [rawBytes, storedBytes, checksum].entries()) view.setUint32(i * pageEntryBytes + j * 4, value, true)
  }
  tail.set(segment.bytes.subarray(segment.bytes.length - trailerBytes), entries.length * pageEntryBytes)
  view.setUint32(tail.length - trailerBytes + trailerOffsets.pages, entries.length, true)
  view.setUint32(tail.length - trailerBytes + trailerOffsets.checksum, tailChecksum(tail), true)
  return new Uint8Array(Buffer.concat([segment.bytes.subarray(0, segment.bytes.length - meta.indexBytes), body, tail]))
}

/** The raw bytes of the segment's index. */
function indexContent(): Uint8Array {
  const sink = createSink()
  const partition = (meta.bytes - meta.indexBytes - bodiesEnd) / 64
  const checksums = Array.from({ length: 64 }, (_, i) =>
    crc32(segment.bytes.subarray(bodiesEnd + i * partition, bodiesEnd + (i + 1) * partition)),
  )
  writeIndexContent(sink, blocks, checksums)
  return sink.bytes.slice(0, sink.length)
}

describe('a damaged segment', () => {
  it('is refused at once whichever byte outside of the bodies is changed', () => {
    for (let at = 0; at < segment.bytes.length; at++) {
      if (at === 8) at = bodiesEnd
      const bytes = segment.bytes.slice()
      bytes[at]! ^= 1 << (at % 8)
      expect(() => readSegment(bytes)).toThrow(SegmentError)
    }
  })

  it('is refused by the block that is read when a byte of its body is changed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: bodiesEnd - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = segment.bytes.slice()
        bytes[at]! ^= mask
        expect(() => readAll(readSegment(bytes))).toThrow(BlockError)
      }),
      { numRuns: runs(200) },
    )
  })

  it('is refused wherever it ends early, and when it goes on', () => {
    for (let end = 0; end < segment.bytes.length; end += end < bodiesEnd ? 13 : 1)
      expect(() => readSegment(segment.bytes.subarray(0, end))).toThrow(SegmentError)
    expect(() => readSegment(new Uint8Array([...segment.bytes, 0]))).toThrow(SegmentError)
  })

  it('is refused by its index when that was read in part, or belongs to other metadata', () => {
    const tail = segment.bytes.slice(segment.bytes.length - meta.indexBytes)
    expect(openSegmentIndex(meta, tail).blocks).toHaveLength(2)
    expect(() => openSegmentIndex(meta, tail.subarray(1))).toThrow(`its index has ${tail.length - 1} bytes, not ${tail.length}`)
    const others: Partial<SegmentMeta>[] = [
      ...(['rows', 'blocks', 'minSeq', 'maxSeq', 'minMs', 'maxMs', 'minCreatedMs', 'maxCreatedMs', 'bytes', 'rawBytes'] as const).map(
        (name) => ({ [name]: meta[name] + 1 }),
      ),
      { severityCounts: meta.severityCounts.toReversed() },
    ]
    for (const other of others) expect(() => openSegmentIndex({ ...meta, ...other }, tail)).toThrow(SegmentError)
  })

  it('names what is wrong', () => {
    const partition = readSegment(segment.bytes).index.partitionRange(3).start
    const cases: [at: number, reason: string][] = [
      [0, 'damaged segment: it does not begin as a segment'],
      [4, 'damaged segment: format version 0 is not known'],
      [partition, 'damaged segment: filter partition 3 fails its checksum'],
      [meta.bytes - meta.indexBytes, 'damaged segment: page 0 fails its checksum'],
      [meta.bytes - trailerBytes, 'damaged segment: its trailer fails its checksum'],
      [meta.bytes - 1, 'damaged segment: it does not end as a segment'],
    ]
    for (const [at, reason] of cases) {
      const bytes = segment.bytes.slice()
      bytes[at]! ^= 1
      expect(() => readSegment(bytes)).toThrow(reason)
    }
  })

  it('does not take one partition for another', () => {
    const { index } = readSegment(segment.bytes)
    const { start, end } = index.partitionRange(5)
    expect(() => index.openPartition(6, segment.bytes.subarray(start, end))).toThrow(SegmentError)
    expect(() => index.openPartition(64, segment.bytes.subarray(start, end))).toThrow(SegmentError)
    expect(index.openPartition(5, segment.bytes.subarray(start, end)).partition).toBe(5)
  })
})

describe('a forged segment', () => {
  const content = indexContent()

  it('has the index that its writer made when nothing is changed', () => {
    expect(withIndex(content)).toEqual(segment.bytes)
  })

  it('with a byte of its index changed and all checksums right is refused or read, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.nat({ max: content.length - 1 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), (at, value) => {
        const bytes = withIndex(content.with(at, value))
        expect(otherError(() => readAll(readSegment(bytes)))).toBeUndefined()
      }),
      { numRuns: runs(600) },
    )
  })

  it('with an index of random bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (random) => {
        expect(() => readSegment(withIndex(random))).toThrow(SegmentError)
      }),
      { numRuns: runs(200) },
    )
  })

  it('with any byte of its trailer changed and its checksum right is refused or read, and nothing else happens', () => {
    for (let at = meta.bytes - trailerBytes; at < meta.bytes; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const bytes = segment.bytes.with(at, value)
        const view = new DataView(bytes.buffer)
        const pages = view.getUint32(bytes.length - trailerBytes + trailerOffsets.pages, true)
        const tail = bytes.subarray(Math.max(0, bytes.length - trailerBytes - pages * pageEntryBytes))
        view.setUint32(bytes.length - trailerBytes + trailerOffsets.checksum, tailChecksum(tail), true)
        expect(otherError(() => readAll(readSegment(bytes)))).toBeUndefined()
      }
    }
  })

  it('that claims more blocks than a segment may have is refused', () => {
    const sink = createSink()
    writeVarint(sink, segmentBlocksMax + 1)
    expect(() => readSegment(withIndex(sink.bytes.slice(0, sink.length)))).toThrow(`it claims ${segmentBlocksMax + 1} blocks`)
  })

  it('whose index would take too much memory is refused before it is decompressed', () => {
    const count = segmentIndexBytesMax / pageRawBytesMax + 1
    const tail = new Uint8Array(count + count * pageEntryBytes + trailerBytes)
    const view = new DataView(tail.buffer)
    for (let i = 0; i < count; i++) {
      view.setUint32(count + i * pageEntryBytes, pageRawBytesMax, true)
      view.setUint32(count + i * pageEntryBytes + 4, 1, true)
    }
    tail.set(segment.bytes.subarray(segment.bytes.length - trailerBytes), tail.length - trailerBytes)
    view.setUint32(tail.length - trailerBytes + trailerOffsets.pages, count, true)
    view.setUint32(tail.length - trailerBytes + trailerOffsets.checksum, tailChecksum(tail.subarray(count)), true)
    const bytes = new Uint8Array(Buffer.concat([segment.bytes.subarray(0, segment.bytes.length - meta.indexBytes), tail]))
    expect(() => readSegment(bytes)).toThrow(`an index of ${count * pageRawBytesMax} raw bytes is too large`)
  })

  it('of random bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        expect(() => readSegment(random)).toThrow(SegmentError)
        expect(() => openSegmentIndex({ ...meta, indexBytes: random.length }, random)).toThrow(SegmentError)
      }),
      { numRuns: runs(200) },
    )
  })

  it('whose pages were never read is no damaged one', () => {
    const { index } = readSegment(segment.bytes)
    const block = index.open(0, new Map(), createBodyParts(), newCost())
    expect(otherError(() => readBlock(block))).toMatchObject({ name: 'BodyMissingError' })
  })
})
