import type { Block, BlockMeta, ReadCost } from '../block/types.ts'

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

/** Where the parts of one block are within its segment. */
export interface SegmentBlockEntry {
  meta: BlockMeta
  /** Greatest sequence number of its rows. */
  lastSeq: number
  minCreatedMs: number
  maxCreatedMs: number
  /** Its body: bodyStart to bodyStart + bodyBytes of the object. */
  bodyStart: number
  bodyBytes: number
}

/** The opened index of a segment; immutable, kept in a cache across queries. */
export interface SegmentIndex {
  readonly blocks: readonly SegmentBlockEntry[]
  /** About what it takes in memory. */
  readonly memoryBytes: number
  /** Where the token filters are that can rule this token out: one range of the object, undefined when the index has all there are. */
  filterRange(token: string): ByteRange | undefined
  /**
   * Opens block `n`. `filters` holds what was read of `filterRange` (its `mayHaveToken` answers true for a token whose range is
   * missing there); `body` has the pages that were read. Throws BlockError when damaged.
   */
  open(n: number, filters: ReadonlyMap<number, Uint8Array>, body: BodyBytes, cost: ReadCost): Block
}

/** Half-open range of bytes of an object. */
export interface ByteRange {
  start: number
  end: number
}

/** The parts of a block's body that are in memory; offsets count from the start of the body. */
export interface BodyBytes {
  /** Bytes start to end; throws `BodyMissingError` when they were not read. */
  slice(start: number, end: number): Uint8Array
}
