import { crc32 } from 'node:zlib'
import { releaseBytes } from '../../core/buffers.ts'
import { lastAtMost } from '../lower_bound.ts'
import { BlockError } from './block_error.ts'
import type { PageEntry } from './pages.ts'
import { decompress, releaseMade } from './pages.ts'
import type { BodyBytes, ByteRange, ReadCost } from './types.ts'

/** Reads ranges of the raw bytes; a page is decompressed once, when first needed. */
export interface PageReader {
  /** Bytes start..end: a view of the page when one holds them all, else a copy. */
  range(start: number, end: number): Uint8Array
  /** Raw bytes of all pages that hold some of start..end. */
  rawBytes(start: number, end: number): number
  /** What pages that hold some of start..end take of the body: one range, or none when there are no such pages. */
  storedRanges(start: number, end: number): ByteRange[]
  /** The same, page by page, of those that are not in memory. */
  missingRanges(start: number, end: number): ByteRange[]
  /** Throws once the pages were released: what was decoded of them may be views. */
  check(): void
  /** An array that was decoded of the pages, to be freed with them. */
  own<T extends ArrayBufferView>(decoded: T): T
  /** Frees pages and body; nothing can be read any more, nor a view of what was. */
  release(): void
}

/** A body that is read as a whole, when first needed; `isOwn` when nobody else has what `readBody` answers. */
export function wholeBody(bodyBytes: number, readBody: () => Uint8Array, isOwn = false): BodyBytes {
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
    release() {
      if (isOwn && body !== undefined) releaseBytes(body)
      body = undefined
    },
  }
}

/** Opens the pages of a body of `bodyBytes`. */
export function createPageReader(entries: readonly PageEntry[], bodyBytes: number, body: BodyBytes, cost: ReadCost): PageReader {
  const table = tableOf(entries)
  const { rawStarts, storedStarts } = table
  const stored = storedStarts[entries.length]!
  if (stored !== bodyBytes) throw new BlockError(`its pages take ${stored} bytes, not ${bodyBytes}`)
  const pages: (Page | undefined)[] = []
  const decoded: ArrayBufferView[] = []
  let isReleased = false
  const own = <T extends ArrayBufferView>(made: T): T => {
    decoded.push(made)
    return made
  }
  const check = () => {
    if (isReleased) throw new Error('a block was read after its release')
  }
  const page = (index: number): Uint8Array => {
    check()
    return (pages[index] ??= readPage(table, index, body, cost)).raw
  }
  return {
    check,
    own,
    release() {
      isReleased = true
      for (const each of decoded.splice(0)) releaseBytes(each)
      for (const each of pages) if (each !== undefined) releaseMade(each.raw, each.stored)
      pages.length = 0
      body.release()
    },
    range(start, end) {
      if (end <= start) return new Uint8Array(0)
      const first = lastAtMost(rawStarts, start)
      if (end <= rawStarts[first + 1]!) return page(first).subarray(start - rawStarts[first]!, end - rawStarts[first]!)
      const joined = own(new Uint8Array(end - start))
      for (let index = first; index < entries.length && rawStarts[index]! < end; index++) {
        const from = Math.max(start, rawStarts[index]!)
        const to = Math.min(end, rawStarts[index + 1]!)
        joined.set(page(index).subarray(from - rawStarts[index]!, to - rawStarts[index]!), from - start)
      }
      return joined
    },
    rawBytes: (start, end) =>
      end <= start ? 0 : rawStarts[lastAtMost(rawStarts, end - 1) + 1]! - rawStarts[lastAtMost(rawStarts, start)]!,
    storedRanges(start, end) {
      return end <= start
        ? []
        : [{ start: storedStarts[lastAtMost(rawStarts, start)]!, end: storedStarts[lastAtMost(rawStarts, end - 1) + 1]! }]
    },
    missingRanges(start, end) {
      const missing: ByteRange[] = []
      if (end <= start) return missing
      for (let index = lastAtMost(rawStarts, start); index < entries.length && rawStarts[index]! < end; index++) {
        const range = { start: storedStarts[index]!, end: storedStarts[index + 1]! }
        if (pages[index] === undefined && !body.has(range.start, range.end)) missing.push(range)
      }
      return missing
    },
  }
}

interface Page {
  stored: Uint8Array
  /** The same where the page is not compressed. */
  raw: Uint8Array
}

/** Pages and where each begins, followed by where the last one ends. */
interface PageTable {
  entries: readonly PageEntry[]
  rawStarts: Float64Array
  storedStarts: Float64Array
}

function tableOf(entries: readonly PageEntry[]): PageTable {
  const rawStarts = new Float64Array(entries.length + 1)
  const storedStarts = new Float64Array(entries.length + 1)
  for (let i = 0; i < entries.length; i++) {
    rawStarts[i + 1] = rawStarts[i]! + entries[i]!.rawBytes
    storedStarts[i + 1] = storedStarts[i]! + entries[i]!.storedBytes
  }
  return { entries, rawStarts, storedStarts }
}

function readPage({ entries, storedStarts }: PageTable, index: number, body: BodyBytes, cost: ReadCost): Page {
  const { rawBytes, storedBytes, checksum } = entries[index]!
  const stored = body.slice(storedStarts[index]!, storedStarts[index + 1]!)
  if (crc32(stored) !== checksum) throw new BlockError(`page ${index} fails its checksum`)
  const raw = decompress(stored, rawBytes)
  cost.bytesRead += storedBytes
  cost.bytesDecompressed += rawBytes
  cost.pagesRead++
  return { stored, raw }
}
