import type { Bitmap } from '../bitmap.ts'
import type { AttributeValue, StoredRow } from '../row.ts'

/** What is known of a block without opening it; the shard keeps one of these for each block in memory. */
export interface BlockMeta {
  firstSeq: number
  rows: number
  /** Smallest and greatest event time, milliseconds, inclusive. */
  minMs: number
  maxMs: number
  /** Rows of each severity, by index into `severities`. */
  severityCounts: readonly number[]
  /** Encoded size, head and body. */
  bytes: number
}

/**
 * One encoded block. `head` holds header, directory and bloom filters; `body` holds the pages. They are stored
 * apart so that a block which the head rules out never has its body read.
 */
export interface EncodedBlock {
  head: Uint8Array
  body: Uint8Array
  /** `firstSeq` is 0 until `stampFirstSeq` wrote the real one into the head. */
  meta: BlockMeta
}

/** Pages of a string column: value i of the page is bytes[offsets[i] .. offsets[i + 1]) in UTF-8. */
export interface TextPage {
  /** Index, among the values of the column, of the first value in this page. */
  first: number
  count: number
  bytes: Uint8Array
  /** count + 1 entries. */
  offsets: Uint32Array
}

/**
 * The values of a column, only for the rows that have one (see `Column.presence`): value i belongs to the i-th
 * present row. A distinct value stands once in `values` of a dictionary.
 */
export type ColumnData =
  | { kind: 'constant'; value: AttributeValue }
  | { kind: 'dictionary'; values: readonly AttributeValue[]; codes: Uint8Array | Uint16Array | Uint32Array }
  | { kind: 'number'; values: Float64Array }
  | { kind: 'text'; pages: readonly TextPage[] }
  | { kind: 'mixed'; values: readonly AttributeValue[] }

/** Columns that every block has, kept apart from attributes so that no attribute name can collide with them. */
export type SystemColumn = 'timestamp' | 'nanos' | 'severity' | 'source' | 'message' | 'created' | 'updated' | 'seq'

/** What the head says of a column: enough to rule out that a value matches. */
export type ColumnFacts = Pick<Column, 'count' | 'range' | 'hasText' | 'mayHaveToken'>

/** What the head says of a block: enough to rule out that a row matches, without a way to read one. */
export interface BlockFacts {
  readonly meta: BlockMeta
  readonly attributes: readonly ColumnFacts[]
  attribute(name: string): ColumnFacts | undefined
  system(name: SystemColumn): ColumnFacts
}

export interface Column {
  readonly name: string
  readonly system: boolean
  /** Number of rows that have a value. */
  readonly count: number
  /** Smallest and greatest number when every value is a number, else undefined. */
  readonly range: { min: number; max: number } | undefined
  /** Number of distinct values, where the directory tells it: each of them occurs. */
  readonly distinct: number | undefined
  /** True when the column can hold text (string values); false when all its values are numbers or booleans. */
  readonly hasText: boolean
  /** Raw bytes that reading it would decompress. */
  readonly rawBytes: number
  /** Rows that have a value, or undefined when all have one. Decoded once, then kept. */
  presence(): Bitmap | undefined
  /** Decoded once, then kept for the life of the block object. Throws `BlockError` when damaged. */
  data(): ColumnData
  /** What presence and data take of the stored body. */
  storedRanges(): ByteRange[]
  /** What presence alone takes of it. */
  presenceRanges(): ByteRange[]
  /** False only when no value of the column has this (lower-cased) token. True when there is no filter. */
  mayHaveToken(token: string): boolean
}

/** What reading has cost so far, over all blocks that share this object. */
export interface ReadCost {
  /** Compressed bytes of pages that were read. */
  bytesRead: number
  /** Raw bytes that came out of decompression. */
  bytesDecompressed: number
  pagesRead: number
}

export interface Block {
  readonly meta: BlockMeta
  /** Attribute columns, in directory order. */
  readonly attributes: readonly Column[]
  attribute(name: string): Column | undefined
  system(name: SystemColumn): Column
  /** Sequence number of a row: firstSeq + row unless the block carries its own seq column. */
  seq(row: number): number
  timestampMs(row: number): number
  timestampNs(row: number): number
  /** Builds whole rows for the given row numbers, in the given order. */
  materialise(rows: readonly number[]): StoredRow[]
  /** Frees what was read of the block: whatever is asked of a column later throws, and data that it gave are gone. */
  release(): void
}

/** Half-open range of bytes. */
export interface ByteRange {
  start: number
  end: number
}

/** The body of a block as far as it is in memory; offsets count from its start. */
export interface BodyBytes {
  /** Bytes start to end; throws `BodyMissingError` when they were not read. */
  slice(start: number, end: number): Uint8Array
  /** True when `slice` has them. */
  has(start: number, end: number): boolean
  /** Frees the bytes that are only here; nobody reads them any more. */
  release(): void
}

/** A block that tells which parts of its body must be read before its columns are. */
export interface StoredBlock extends Block {
  /** What presence and data of these columns take of the body: ascending, joined where they touch. */
  storedRanges(columns: Iterable<Pick<Column, 'storedRanges'>>): ByteRange[]
  /**
   * What `materialise` of these rows needs of the body and has not got yet. Reading it may reveal more (where a text is
   * stands in other pages), so ask again until nothing is missing: at most three times.
   */
  missingRanges(rows: readonly number[]): ByteRange[]
}
