import type { BlockMeta, BodyBytes, ByteRange, ReadCost, StoredBlock } from '../block/types.ts'
import type { Partitions } from './filters.ts'
import type { BlockOutline } from './outline.ts'

/** What is known of a sealed segment without reading it: one entry of a shard's manifest. Plain data. */
export interface SegmentMeta {
  /** R2 key. An object under a key never changes once the manifest names it. */
  key: string
  rows: number
  blocks: number
  /** Smallest and greatest sequence number; rows in between may be elsewhere. */
  minSeq: number
  maxSeq: number
  /** Smallest and greatest event time, milliseconds, inclusive. */
  minMs: number
  maxMs: number
  /** Smallest and greatest time of receipt. */
  minCreatedMs: number
  maxCreatedMs: number
  /** Rows of each severity, by index into `severities`. */
  severityCounts: readonly number[]
  /** Size of the object. */
  bytes: number
  /** Raw bytes of all its pages: what a scan of everything decompresses. */
  rawBytes: number
  /** Bytes at the end of the object that hold index and trailer, read with one range request. */
  indexBytes: number
  /** Hexadecimal SHA-256 of the object. */
  sha256: string
}

/** A segment as its writer makes it, before it has a key and a hash. */
export interface EncodedSegment {
  bytes: Uint8Array
  meta: Omit<SegmentMeta, 'key' | 'sha256'>
}

/** An encoded block on its way into a segment: its token filters are apart, since a segment lays them out across its blocks. */
export interface SegmentBlock {
  /** Header and directory, no filters. */
  head: Uint8Array
  body: Uint8Array
  /** One for each column that has a filter, in directory order: whole, or 64 partitions one after the other. */
  filters: readonly Uint8Array[]
  /** `bytes` counts head and body. */
  meta: BlockMeta
  /** Greatest sequence number of its rows. */
  lastSeq: number
  /** Smallest and greatest time of receipt. */
  minCreatedMs: number
  maxCreatedMs: number
  /** Raw bytes of all its pages. */
  rawBytes: number
}

/** Puts encoded blocks together as one segment. */
export interface SegmentWriter {
  /** Bytes of the segment if it were finished now, before its index is compressed. */
  readonly bytes: number
  /** Takes over a block; blocks come in order of time. */
  add(block: SegmentBlock): void
  /** The segment; the writer is then empty and can be used again. Throws RangeError when it has no block. */
  finish(): EncodedSegment
}

/** Where the parts of one block are within its segment. */
export interface SegmentBlockEntry {
  meta: BlockMeta
  /** Greatest sequence number of its rows. */
  lastSeq: number
  /** Smallest and greatest time of receipt. */
  minCreatedMs: number
  maxCreatedMs: number
  /** Raw bytes of all its pages. */
  rawBytes: number
  /** Its body: bodyStart to bodyStart + bodyBytes of the object. */
  bodyStart: number
  bodyBytes: number
}

/** What was read of one filter partition, its checksum being right: only `SegmentIndex.openPartition` makes one. */
export interface FilterPartition {
  readonly partition: number
  readonly bytes: Uint8Array
}

/** The opened index of a segment; immutable, kept in a cache across queries. */
export interface SegmentIndex {
  readonly blocks: readonly SegmentBlockEntry[]
  /** About what it takes in memory. */
  readonly memoryBytes: number
  /** Number of the partition whose filters can rule this token out; undefined when the index itself has all there are. */
  partitionOf(token: string): number | undefined
  /** Where a partition is: one range of the object. */
  partitionRange(partition: number): ByteRange
  /** Checks what was read of `partitionRange`; throws SegmentError when damaged. */
  openPartition(partition: number, bytes: Uint8Array): FilterPartition
  /**
   * Opens block `n`. `partitions`, by their number, are those that were read: `mayHaveToken` answers true where one is missing.
   * `body` has the pages that were read, see `StoredBlock.storedRanges`. Throws BlockError when damaged.
   */
  open(n: number, partitions: Partitions, body: BodyBytes, cost: ReadCost): StoredBlock
  /** What rules block `n` out; made anew each time. Throws BlockError when damaged, as `open` does. */
  outline(n: number): BlockOutline
}

/** A whole segment in memory. */
export interface SegmentFile {
  meta: Omit<SegmentMeta, 'key' | 'sha256'>
  index: SegmentIndex
  /** Opens block `n` with all its filters. Throws BlockError when damaged. */
  open(n: number, cost: ReadCost): StoredBlock
}
