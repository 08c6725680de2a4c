import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { ByteSink } from '../encode/bytes.ts'
import { BlockError } from './block_error.ts'
import type { BodyBytes, ByteRange, ReadCost } from './types.ts'

/** One page: `rawBytes` of the streams, stored in `storedBytes` of the body; equal when compression did not help. */
export interface PageEntry {
  rawBytes: number
  storedBytes: number
  /** CRC-32 of the stored bytes. */
  checksum: number
}

/** Pages of large columns: hexadecimal text, which shrinks to a half, then just stays below `frameBytesMax`. */
const pageRawBytes = 64 * 1024
/** A column of this size or more gets pages of its own, so that reading a small one stays cheap. */
const ownPageRawBytes = 16 * 1024
/** Small columns share a page up to this size: one zstd call costs as much as 10 KB of data. */
const sharedPageRawBytes = 48 * 1024
/** A shorter page cannot shrink. */
const compressBytesMin = 24

/**
 * workerd's zstdCompressSync fails ("Unexpected end of file") as soon as a frame fills its first buffer of 40 KiB. Node
 * does not, but keeps to the same limit so that both make the same blocks.
 */
const frameBytesMax = 36 * 1024

const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
/** 2^19 is the window of level 1; a hostile frame could ask for 128 MiB. */
const windowLogMax = 19

/** Cuts `raw` into pages, where column i is the bytes up to ends[i], and compresses each. */
export function writePages(raw: ByteSink, ends: readonly number[]): { entries: PageEntry[]; body: Uint8Array } {
  const entries: PageEntry[] = []
  const stored: Uint8Array[] = []
  let bodyBytes = 0
  let start = 0
  // The next page end is last; a page that hardly compresses is halved.
  const waiting = pageEnds(ends).toReversed()
  for (let end = waiting.pop(); end !== undefined; end = waiting.pop()) {
    const bytes = compress(raw.bytes.subarray(start, end))
    if (bytes === undefined) {
      waiting.push(end, (start + end) >>> 1)
      continue
    }
    entries.push({ rawBytes: end - start, storedBytes: bytes.length, checksum: crc32(bytes) })
    stored.push(bytes)
    bodyBytes += bytes.length
    start = end
  }
  const body = new Uint8Array(bodyBytes)
  let at = 0
  for (const bytes of stored) {
    body.set(bytes, at)
    at += bytes.length
  }
  return { entries, body }
}

/** Where each page ends, ascending. */
function pageEnds(columnEnds: readonly number[]): number[] {
  const ends: number[] = []
  let pageStart = 0
  let columnStart = 0
  const close = (end: number) => {
    if (end > pageStart) ends.push(end)
    pageStart = end
  }
  for (const columnEnd of columnEnds) {
    const own = columnEnd - columnStart >= ownPageRawBytes
    if (own || columnEnd - pageStart > sharedPageRawBytes) close(columnStart)
    while (columnEnd - pageStart > pageRawBytes) close(pageStart + pageRawBytes)
    if (own) close(columnEnd)
    columnStart = columnEnd
  }
  close(columnStart)
  return ends
}

/** One zstd frame, or the bytes themselves when that is not shorter; undefined when the frame would be too long. */
function compress(raw: Uint8Array): Uint8Array | undefined {
  if (raw.length < compressBytesMin) return raw
  let frame: Uint8Array
  try {
    frame = zstdCompressSync(raw, compression)
  } catch (error) {
    if (raw.length > frameBytesMax) return undefined
    throw error
  }
  if (frame.length > frameBytesMax && raw.length > frameBytesMax) return undefined
  return frame.length < raw.length ? frame : raw
}

/** Undoes `compress`; `rawBytes` must have been checked against a limit. */
function decompress(stored: Uint8Array, rawBytes: number): Uint8Array {
  if (stored.length === rawBytes) return stored
  let raw: Uint8Array
  try {
    raw = zstdDecompressSync(stored, {
      chunkSize: Math.max(64, rawBytes),
      // workerd refuses some outputs that fill this exactly, so it only stops what is far too long; the length is checked below.
      maxOutputLength: 2 * rawBytes + 1024,
      params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
    })
  } catch (error) {
    throw new BlockError(`a page cannot be decompressed (${error instanceof Error ? error.message : String(error)})`)
  }
  if (raw.length !== rawBytes) throw new BlockError(`a page has ${raw.length} bytes, not ${rawBytes}`)
  return raw
}

/** Reads ranges of the raw bytes; a page is decompressed once, when first needed. */
export interface PageReader {
  /** Bytes start..end: a view of the page when one holds them all, else a copy. */
  range(start: number, end: number): Uint8Array
  /** Raw bytes of all pages that hold some of start..end. */
  rawBytes(start: number, end: number): number
  /** What pages that hold some of start..end take of the body: one range, or none when there are no such pages. */
  storedRanges(start: number, end: number): ByteRange[]
  /** The same of those pages that are not in memory. */
  missingRanges(start: number, end: number): ByteRange[]
}

/** A body that is read as a whole, when first needed. */
export function wholeBody(bodyBytes: number, readBody: () => Uint8Array): BodyBytes {
  let body: Uint8Array | undefined
  return {
    slice(start, end) {
      if (body === undefined) {
        body = readBody()
        if (body.length !== bodyBytes) throw new BlockError(`the body has ${body.length} bytes, not ${bodyBytes}`)
      }
      return body.subarray(start, end)
    },
    has: () => true,
  }
}

export function createPageReader(entries: readonly PageEntry[], bodyBytes: number, body: BodyBytes, cost: ReadCost): PageReader {
  const rawStarts = [0]
  const storedStarts = [0]
  for (const [i, { rawBytes, storedBytes }] of entries.entries()) {
    rawStarts.push(rawStarts[i]! + rawBytes)
    storedStarts.push(storedStarts[i]! + storedBytes)
  }
  if (storedStarts[entries.length] !== bodyBytes)
    throw new BlockError(`its pages take ${storedStarts[entries.length]} bytes, not ${bodyBytes}`)
  const pages: (Uint8Array | undefined)[] = entries.map(() => undefined)

  function page(index: number): Uint8Array {
    const known = pages[index]
    if (known !== undefined) return known
    const { rawBytes, storedBytes, checksum } = entries[index]!
    const stored = body.slice(storedStarts[index]!, storedStarts[index]! + storedBytes)
    if (crc32(stored) !== checksum) throw new BlockError(`page ${index} fails its checksum`)
    const raw = decompress(stored, rawBytes)
    pages[index] = raw
    cost.bytesRead += storedBytes
    cost.bytesDecompressed += rawBytes
    cost.pagesRead++
    return raw
  }

  /** Index of the page that holds raw byte `at`. */
  function pageAt(at: number): number {
    let low = 0
    let high = entries.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (rawStarts[middle]! <= at) low = middle
      else high = middle - 1
    }
    return low
  }

  return {
    range(start, end) {
      if (end <= start) return new Uint8Array(0)
      let index = pageAt(start)
      if (end <= rawStarts[index + 1]!) return page(index).subarray(start - rawStarts[index]!, end - rawStarts[index]!)
      const joined = new Uint8Array(end - start)
      for (; index < entries.length && rawStarts[index]! < end; index++) {
        const from = Math.max(start, rawStarts[index]!)
        const to = Math.min(end, rawStarts[index + 1]!)
        joined.set(page(index).subarray(from - rawStarts[index]!, to - rawStarts[index]!), from - start)
      }
      return joined
    },

    rawBytes(start, end) {
      return end <= start ? 0 : rawStarts[pageAt(end - 1) + 1]! - rawStarts[pageAt(start)]!
    },

    storedRanges(start, end) {
      return end <= start ? [] : [{ start: storedStarts[pageAt(start)]!, end: storedStarts[pageAt(end - 1) + 1]! }]
    },

    missingRanges(start, end) {
      const missing: ByteRange[] = []
      for (let index = pageAt(start); index < entries.length && rawStarts[index]! < end; index++) {
        const range = { start: storedStarts[index]!, end: storedStarts[index + 1]! }
        if (pages[index] === undefined && !body.has(range.start, range.end)) missing.push(range)
      }
      return missing
    },
  }
}
