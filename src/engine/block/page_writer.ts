import { crc32 } from 'node:zlib'
import type { ByteSink } from '../encode/bytes.ts'
import type { PageEntry } from './pages.ts'
import { compress, releaseMade } from './pages.ts'

/** Pages of large columns: hexadecimal text, which shrinks to a half, then just stays below `frameBytesMax`. */
const pageRawBytes = 64 * 1024
/** A column of this size or more gets pages of its own, so that reading a small one stays cheap. */
const ownPageRawBytes = 16 * 1024
/** Small columns share a page up to this size: one zstd call costs as much as 10 KB of data. */
const sharedPageRawBytes = 48 * 1024
/** Cuts `raw` into pages, where column i is the bytes up to ends[i], and compresses each. */
export function writePages(raw: ByteSink, ends: readonly number[]): { entries: PageEntry[]; body: Uint8Array } {
  const entries: PageEntry[] = []
  const stored: { bytes: Uint8Array; page: Uint8Array }[] = []
  let bodyBytes = 0
  let start = 0
  // The next page end is last; a page that hardly compresses is halved.
  const waiting = pageEnds(ends).toReversed()
  for (let end = waiting.pop(); end !== undefined; end = waiting.pop()) {
    const page = raw.bytes.subarray(start, end)
    const bytes = compress(page)
    if (bytes === undefined) {
      waiting.push(end, (start + end) >>> 1)
      continue
    }
    entries.push({ rawBytes: end - start, storedBytes: bytes.length, checksum: crc32(bytes) })
    stored.push({ bytes, page })
    bodyBytes += bytes.length
    start = end
  }
  const body = new Uint8Array(bodyBytes)
  let at = 0
  for (const { bytes, page } of stored) {
    body.set(bytes, at)
    at += bytes.length
    releaseMade(bytes, page)
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
