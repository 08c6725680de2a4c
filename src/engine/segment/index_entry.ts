import { segmentBlocksMax, seqMax, timestampMsMax } from '../../core/limits.ts'
import { readHeadMeta } from '../block/head.ts'
import { filterPartitions } from '../encode/bloom.ts'
import type { ByteSink, ByteSource } from '../encode/bytes.ts'
import { readBytes, readUint32, readVarint, reserve, writeUint32, writeVarint } from '../encode/bytes.ts'
import type { FilterPlaces } from './filters.ts'
import { filterSizes, isPartitioned } from './filters.ts'
import { headerBytes } from './format.ts'
import { SegmentError } from './segment_error.ts'
import type { SegmentBlock, SegmentBlockEntry } from './types.ts'

/** A block as the index knows it. */
export interface IndexedBlock {
  entry: SegmentBlockEntry
  head: Uint8Array
  filters: FilterPlaces
}

/** What the raw bytes of an index hold. */
export interface IndexContent {
  blocks: IndexedBlock[]
  /** CRC-32 of each partition; none when no filter is partitioned. */
  partitionChecksums: number[]
  /** Length of each partition. */
  partitionBytes: number
  /** Length of all bodies. */
  bodyBytes: number
}

/** Appends the index of these blocks; answers where its pages had better be cut. */
export function writeIndexContent(sink: ByteSink, blocks: readonly SegmentBlock[], partitionChecksums: readonly number[]): number[] {
  writeVarint(sink, blocks.length)
  for (const block of blocks) {
    const { wholeBytes, partitionBytes } = filterSizes(block)
    writeVarint(sink, block.head.length)
    writeVarint(sink, wholeBytes)
    writeVarint(sink, partitionBytes)
    writeVarint(sink, block.rawBytes)
    writeVarint(sink, block.lastSeq - block.meta.firstSeq)
    writeVarint(sink, block.minCreatedMs)
    writeVarint(sink, block.maxCreatedMs - block.minCreatedMs)
  }
  for (const checksum of partitionChecksums) writeUint32(sink, checksum)
  const ends = [sink.length]
  for (const { head, filters } of blocks) {
    for (const bytes of [head, ...filters.filter(({ length }) => !isPartitioned(length))]) {
      const at = reserve(sink, bytes.length)
      sink.bytes.set(bytes, at)
    }
    ends.push(sink.length)
  }
  return ends
}

/** Reads and checks the raw bytes of an index. */
export function readIndexContent(bytes: Uint8Array): IndexContent {
  const source: ByteSource = { bytes, offset: 0 }
  const count = readVarint(source)
  if (count < 1 || count > segmentBlocksMax) throw new SegmentError(`it claims ${count} blocks`)
  const records = Array.from({ length: count }, () => readRecord(source))
  const partitionBytes = records.reduce((sum, record) => sum + record.partitionBytes, 0)
  const partitionChecksums = Array.from({ length: partitionBytes === 0 ? 0 : filterPartitions }, () => readUint32(source))
  let bodyEnd = headerBytes
  let partitionEnd = 0
  const blocks = records.map((record): IndexedBlock => {
    const block = readBlock(source, record, bodyEnd, partitionEnd)
    bodyEnd += block.entry.bodyBytes
    partitionEnd += record.partitionBytes
    return block
  })
  if (source.offset !== bytes.length) throw new SegmentError('its index is longer than its content')
  return { blocks, partitionChecksums, partitionBytes, bodyBytes: bodyEnd - headerBytes }
}

type BlockRecord = ReturnType<typeof readRecord>

function readRecord(source: ByteSource) {
  const headBytes = readVarint(source)
  const wholeBytes = readVarint(source)
  const partitionBytes = readVarint(source)
  const rawBytes = readVarint(source)
  const seqs = readVarint(source)
  const minCreatedMs = readVarint(source)
  const maxCreatedMs = minCreatedMs + readVarint(source)
  if (maxCreatedMs >= timestampMsMax) throw new SegmentError('a time of receipt is out of range')
  return { headBytes, wholeBytes, partitionBytes, rawBytes, seqs, minCreatedMs, maxCreatedMs }
}

function readBlock(source: ByteSource, record: BlockRecord, bodyStart: number, partitionStart: number): IndexedBlock {
  const { rawBytes, seqs, minCreatedMs, maxCreatedMs, partitionBytes } = record
  const head = readBytes(source, record.headBytes)
  const whole = readBytes(source, record.wholeBytes)
  const { meta, bodyBytes } = readHeadMeta(head)
  const lastSeq = meta.firstSeq + seqs
  if (lastSeq > seqMax || seqs + 1 < meta.rows) throw new SegmentError('the sequence numbers of a block are out of range')
  return {
    entry: { meta, lastSeq, minCreatedMs, maxCreatedMs, rawBytes, bodyStart, bodyBytes },
    head,
    filters: { whole, partitionStart, partitionBytes },
  }
}
