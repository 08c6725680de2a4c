import { wholeBody } from '../block/page_reader.ts'
import { filterPartitions } from '../encode/bloom.ts'
import { headerBytes, headerOffsets, segmentMagic, segmentVersion } from './format.ts'
import { readIndex } from './index_reader.ts'
import { SegmentError } from './segment_error.ts'
import type { FilterPartition, SegmentFile } from './types.ts'

/** Reads a whole segment: header, filters and index are checked now, pages when they are read. Throws SegmentError when damaged. */
export function readSegment(bytes: Uint8Array): SegmentFile {
  checkHeader(bytes)
  const { index, meta } = readIndex(bytes, bytes.length)
  const partitions = new Map<number, FilterPartition>()
  for (let partition = 0; partition < filterPartitions; partition++) {
    const { start, end } = index.partitionRange(partition)
    if (end > start) partitions.set(partition, index.openPartition(partition, bytes.subarray(start, end)))
  }
  return {
    meta,
    index,
    open(n, cost) {
      const entry = index.blocks[n]
      if (entry === undefined) throw new RangeError(`block ${n} of ${index.blocks.length}`)
      const { bodyStart, bodyBytes } = entry
      const body = wholeBody(bodyBytes, () => bytes.subarray(bodyStart, bodyStart + bodyBytes))
      return index.open(n, partitions, body, cost)
    },
  }
}

function checkHeader(bytes: Uint8Array): void {
  if (bytes.length < headerBytes) throw new SegmentError(`${bytes.length} bytes are too short`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(headerOffsets.magic, true) !== segmentMagic) throw new SegmentError('it does not begin as a segment')
  const version = view.getUint32(headerOffsets.version, true)
  if (version !== segmentVersion) throw new SegmentError(`format version ${version} is not known`)
}
