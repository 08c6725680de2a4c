import { crc32 } from 'node:zlib'
import { segmentBlocksMax, segmentIndexBytesMax } from '../../core/limits.ts'
import type { PageEntry } from '../block/pages.ts'
import { writePages } from '../block/page_writer.ts'
import { filterPartitions } from '../encode/bloom.ts'
import { createSink } from '../encode/bytes.ts'
import { filterSizes, writePartitions } from './filters.ts'
import {
  headerBytes,
  headerOffsets,
  pageEntryBytes,
  segmentMagic,
  segmentVersion,
  tailChecksum,
  trailerBytes,
  trailerOffsets as at,
} from './format.ts'
import { writeIndexContent } from './index_entry.ts'
import { segmentMetaOf } from './segment_meta.ts'
import type { EncodedSegment, SegmentBlock, SegmentWriter } from './types.ts'

/** Puts encoded blocks together as a segment; what it holds is about what the segment will take. */
export function createSegmentWriter(): SegmentWriter {
  let blocks: SegmentBlock[] = []
  let bytes = headerBytes + trailerBytes
  let indexBytes = 0
  return {
    get bytes() {
      return bytes
    },
    add(block) {
      const { wholeBytes, partitionBytes } = filterSizes(block)
      indexBytes += block.head.length + wholeBytes
      if (blocks.length === segmentBlocksMax) throw new RangeError(`a segment has at most ${segmentBlocksMax} blocks`)
      if (indexBytes > segmentIndexBytesMax) throw new RangeError(`the index of a segment has at most ${segmentIndexBytesMax} bytes`)
      bytes += block.meta.bytes + wholeBytes + partitionBytes * filterPartitions
      blocks.push(block)
    },
    finish() {
      if (blocks.length === 0) throw new RangeError('a segment has at least one block')
      const segment = assemble(blocks)
      blocks = []
      bytes = headerBytes + trailerBytes
      indexBytes = 0
      return segment
    },
  }
}

function assemble(blocks: readonly SegmentBlock[]): EncodedSegment {
  const bodyBytes = blocks.reduce((sum, { body }) => sum + body.length, 0)
  const partitionBytes = blocks.reduce((sum, block) => sum + filterSizes(block).partitionBytes, 0)
  const filterStart = headerBytes + bodyBytes
  const filters = new Uint8Array(partitionBytes * filterPartitions)
  writePartitions(filters, 0, blocks)
  const content = createSink(64 * 1024)
  const checksums = partitionChecksums(filters, partitionBytes)
  const { entries: pages, body: index } = writePages(content, writeIndexContent(content, blocks, checksums))
  const tail = writeTail(pages, bodyBytes, filters.length)
  const indexBytes = index.length + tail.length
  const bytes = new Uint8Array(filterStart + filters.length + indexBytes)
  writeHeader(bytes)
  let end = headerBytes
  for (const part of [...blocks.map(({ body }) => body), filters, index, tail]) {
    bytes.set(part, end)
    end += part.length
  }
  return { bytes, meta: segmentMetaOf(blocks, bytes.length, indexBytes) }
}

function partitionChecksums(filters: Uint8Array, partitionBytes: number): number[] {
  if (partitionBytes === 0) return []
  return Array.from({ length: filterPartitions }, (_, i) => crc32(filters.subarray(i * partitionBytes, (i + 1) * partitionBytes)))
}

function writeHeader(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer)
  view.setUint32(headerOffsets.magic, segmentMagic, true)
  view.setUint8(headerOffsets.version, segmentVersion)
}

/** The table of index pages and the trailer. */
function writeTail(pages: readonly PageEntry[], bodyBytes: number, filterBytes: number): Uint8Array {
  const start = pages.length * pageEntryBytes
  const tail = new Uint8Array(start + trailerBytes)
  const view = new DataView(tail.buffer)
  for (const [i, { rawBytes, storedBytes, checksum }] of pages.entries()) {
    view.setUint32(i * pageEntryBytes, rawBytes, true)
    view.setUint32(i * pageEntryBytes + 4, storedBytes, true)
    view.setUint32(i * pageEntryBytes + 8, checksum, true)
  }
  view.setBigUint64(start + at.bodyBytes, BigInt(bodyBytes), true)
  view.setBigUint64(start + at.filterBytes, BigInt(filterBytes), true)
  view.setUint32(start + at.pages, pages.length, true)
  view.setUint8(start + at.version, segmentVersion)
  view.setUint32(start + at.magic, segmentMagic, true)
  view.setUint32(start + at.checksum, tailChecksum(tail), true)
  return tail
}
