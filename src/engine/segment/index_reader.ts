import { crc32 } from 'node:zlib'
import { pageRawBytesMax, segmentIndexBytesMax } from '../../core/limits.ts'
import { BlockError } from '../block/block_error.ts'
import { readHead } from '../block/head.ts'
import type { PageEntry } from '../block/pages.ts'
import { createPageReader, wholeBody } from '../block/page_reader.ts'
import { noReadCost } from '../block/read_cost.ts'
import { openHead } from '../block/reader.ts'
import type { BodyBytes, ReadCost, StoredBlock } from '../block/types.ts'
import { filterPartitions, hashToken, partitionOfHash } from '../encode/bloom.ts'
import { createBodyParts } from './body.ts'
import type { Partitions } from './filters.ts'
import { filtersOf } from './filters.ts'
import { headerBytes, pageEntryBytes, segmentMagic, segmentVersion, tailChecksum, trailerBytes, trailerOffsets as at } from './format.ts'
import type { IndexContent, IndexedBlock } from './index_entry.ts'
import { readIndexContent } from './index_entry.ts'
import { outlineOf } from './outline.ts'
import { SegmentError, inSegment } from './segment_error.ts'
import { segmentMetaOf } from './segment_meta.ts'
import type { SegmentIndex, SegmentMeta } from './types.ts'

/** What an entry of an index takes beside its head and filters. */
const entryBytes = 400

/**
 * Opens the index of a segment from the last `meta.indexBytes` bytes of its object, of which it keeps no view. Throws SegmentError
 * when damaged or another's.
 */
export function openSegmentIndex(meta: SegmentMeta, bytes: Uint8Array): SegmentIndex {
  if (bytes.length !== meta.indexBytes) throw new SegmentError(`its index has ${bytes.length} bytes, not ${meta.indexBytes}`)
  const opened = readIndex(bytes, meta.bytes)
  checkMeta(meta, opened.meta)
  return opened.index
}

/** Reads an index that ends `bytes`, of an object of `objectBytes`. */
export function readIndex(bytes: Uint8Array, objectBytes: number): { index: SegmentIndex; meta: Omit<SegmentMeta, 'key' | 'sha256'> } {
  return inSegment(() => {
    const trailer = readTrailer(bytes)
    const { bodyBytes, filterBytes, pages, indexBytes } = trailer
    if (headerBytes + bodyBytes + filterBytes + indexBytes !== objectBytes) throw new SegmentError('its parts do not fill it')
    const raw = readPages(pages, bytes.subarray(bytes.length - indexBytes))
    const content = readIndexContent(raw)
    if (content.bodyBytes !== bodyBytes) throw new SegmentError(`its bodies take ${content.bodyBytes} bytes, not ${bodyBytes}`)
    if (content.partitionBytes * filterPartitions !== filterBytes) throw new SegmentError('its filters are not as long as its index says')
    const meta = segmentMetaOf(
      content.blocks.map(({ entry }) => entry),
      objectBytes,
      indexBytes,
    )
    return { index: indexOf(content, raw.length), meta }
  })
}

function indexOf({ blocks, partitionChecksums, partitionBytes, bodyBytes }: IndexContent, rawBytes: number): SegmentIndex {
  const filterStart = headerBytes + bodyBytes
  const indexed = (n: number) => {
    const block = blocks[n]
    if (block === undefined) throw new RangeError(`block ${n} of ${blocks.length}`)
    return block
  }
  return {
    blocks: blocks.map(({ entry }) => entry),
    memoryBytes: rawBytes + blocks.length * entryBytes,
    partitionOf: (token) => (partitionBytes === 0 ? undefined : partitionOfHash(hashToken(token))),
    partitionRange(partition) {
      const start = filterStart + partition * partitionBytes
      return { start, end: start + partitionBytes }
    },
    openPartition(partition, bytes) {
      if (bytes.length !== partitionBytes || crc32(bytes) !== partitionChecksums[partition])
        throw new SegmentError(`filter partition ${partition} fails its checksum`)
      return { partition, bytes }
    },
    open: (n, partitions, body, cost) => openIndexed(indexed(n), partitions, body, cost).stored,
    outline(n) {
      const block = indexed(n)
      // Opened once with all checks, so that what an outline says is as good as what the block would.
      const { directory } = openIndexed(block, new Map(), createBodyParts(), noReadCost())
      return outlineOf(block.entry.meta, directory, block.filters)
    },
  }
}

function openIndexed(block: IndexedBlock, partitions: Partitions, body: BodyBytes, cost: ReadCost) {
  const opened = readHead(block.head)
  if (opened.blooms !== undefined) throw new BlockError('its filters are not apart')
  const filters = filtersOf(block.filters, partitions)
  const stored = openHead(block.entry.meta, opened, filters.next, body, cost)
  if (!filters.isAtEnd()) throw new BlockError('its filters are not as long as the index says')
  checkEntry(block, stored, opened.directory.pages)
  return { stored, directory: opened.directory }
}

/** What the index says of a block beside its head. */
function checkEntry({ entry }: IndexedBlock, block: StoredBlock, pages: readonly PageEntry[]): void {
  const created = block.system('created').range
  if (created?.min !== entry.minCreatedMs || created.max !== entry.maxCreatedMs)
    throw new BlockError('its times of receipt are not those of its rows')
  if (block.system('seq').range?.max !== entry.lastSeq) throw new BlockError('its last sequence number is not that of its rows')
  if (pages.reduce((sum, { rawBytes }) => sum + rawBytes, 0) !== entry.rawBytes)
    throw new BlockError('its raw bytes are not those of its pages')
}

interface Trailer {
  bodyBytes: number
  filterBytes: number
  pages: PageEntry[]
  /** Stored pages, their table and the trailer. */
  indexBytes: number
}

function readTrailer(bytes: Uint8Array): Trailer {
  const start = bytes.length - trailerBytes
  if (start < 0) throw new SegmentError(`${bytes.length} bytes are too short for an index`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(start + at.magic, true) !== segmentMagic) throw new SegmentError('it does not end as a segment')
  const version = view.getUint32(start + at.version, true)
  if (version !== segmentVersion) throw new SegmentError(`format version ${version} is not known`)
  const count = view.getUint32(start + at.pages, true)
  const table = start - count * pageEntryBytes
  if (table < 0) throw new SegmentError('its index ends too early')
  if (view.getUint32(start + at.checksum, true) !== tailChecksum(bytes.subarray(table)))
    throw new SegmentError('its trailer fails its checksum')
  const pages = Array.from({ length: count }, (_, i): PageEntry => readPageEntry(view, table + i * pageEntryBytes))
  const stored = pages.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  if (stored > table) throw new SegmentError('its index ends too early')
  return {
    bodyBytes: Number(view.getBigUint64(start + at.bodyBytes, true)),
    filterBytes: Number(view.getBigUint64(start + at.filterBytes, true)),
    pages,
    indexBytes: bytes.length - table + stored,
  }
}

function readPageEntry(view: DataView, offset: number): PageEntry {
  const rawBytes = view.getUint32(offset, true)
  const storedBytes = view.getUint32(offset + 4, true)
  if (rawBytes < 1 || rawBytes > pageRawBytesMax || storedBytes < 1 || storedBytes > rawBytes)
    throw new SegmentError(`an index page of ${rawBytes} bytes stored in ${storedBytes} is impossible`)
  return { rawBytes, storedBytes, checksum: view.getUint32(offset + 8, true) }
}

/** The raw bytes of all pages, which begin `index`. */
function readPages(pages: readonly PageEntry[], index: Uint8Array): Uint8Array {
  const raw = pages.reduce((sum, { rawBytes }) => sum + rawBytes, 0)
  const stored = pages.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  if (raw > segmentIndexBytesMax) throw new SegmentError(`an index of ${raw} raw bytes is too large`)
  const body = wholeBody(stored, () => index.subarray(0, stored))
  const reader = createPageReader(pages, stored, body, noReadCost())
  // A copy, since the index outlives the bytes that it is read from.
  const own = new Uint8Array(reader.range(0, raw))
  reader.release()
  return own
}

function checkMeta(expected: SegmentMeta, found: Omit<SegmentMeta, 'key' | 'sha256'>): void {
  const { severityCounts, ...numbers } = found
  for (const [name, value] of Object.entries(numbers)) {
    const claimed = expected[name as keyof typeof numbers]
    if (claimed !== value) throw new SegmentError(`its ${name} is ${value}, not ${claimed}`)
  }
  if (severityCounts.some((count, i) => count !== expected.severityCounts[i])) throw new SegmentError('its severity counts differ')
}
