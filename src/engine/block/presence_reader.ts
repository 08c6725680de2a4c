import type { Bitmap } from '../bitmap.ts'
import { bitmapCount, bitmapEmpty, bitmapSet } from '../bitmap.ts'
import { readVarint } from '../encode/bytes.ts'
import { BlockError } from './block_error.ts'
import type { PresenceEntry } from './directory.ts'
import type { PageReader } from './page_reader.ts'

/** Which rows have a value; read when first needed, then kept. */
export interface Presence {
  /** Its raw bytes. */
  readonly start: number
  readonly end: number
  bitmap(): Bitmap
  /** Index of a row among those that have a value, -1 when it has none. */
  indexOf(row: number): number
}

/** Opens the presence whose stream begins at raw byte `start`. */
export function openPresence(pages: PageReader, entry: PresenceEntry, start: number, rows: number): Presence {
  let bitmap: Bitmap | undefined
  let ranks: Uint32Array | undefined
  const end = start + entry.bytes
  const get = () => (bitmap ??= readPresence(pages.range(start, end), entry, rows))
  return {
    start,
    end,
    bitmap: get,
    indexOf(row) {
      const { words } = get()
      ranks ??= ranksOf(words)
      const word = words[row >>> 5]!
      const bit = 1 << (row & 31)
      return (word & bit) === 0 ? -1 : ranks[row >>> 5]! + popCount(word & (bit - 1))
    },
  }
}

function readPresence(bytes: Uint8Array, { kind, count }: PresenceEntry, rows: number): Bitmap {
  const bitmap = bitmapEmpty(rows)
  if (kind === 'bitmap') {
    for (let i = 0; i < bytes.length; i++) bitmap.words[i >>> 2]! |= bytes[i]! << ((i & 3) * 8)
    if ((rows & 7) !== 0 && bytes[bytes.length - 1]! >>> (rows & 7) !== 0) throw new BlockError('a presence names rows that do not exist')
  } else {
    readGaps(bitmap, bytes, count)
  }
  if (bitmapCount(bitmap) !== count) throw new BlockError('a presence has another count than the directory says')
  return bitmap
}

function readGaps(bitmap: Bitmap, bytes: Uint8Array, count: number): void {
  const source = { bytes, offset: 0 }
  let row = -1
  for (let i = 0; i < count; i++) {
    row += readVarint(source) + 1
    if (row >= bitmap.length) throw new BlockError('a presence names rows that do not exist')
    bitmapSet(bitmap, row)
  }
  if (source.offset !== bytes.length) throw new BlockError('a presence is longer than its content')
}

/** Rows present before each word. */
function ranksOf(words: Uint32Array): Uint32Array {
  const ranks = new Uint32Array(words.length)
  let rank = 0
  for (let i = 0; i < words.length; i++) {
    ranks[i] = rank
    rank += popCount(words[i]!)
  }
  return ranks
}

function popCount(value: number): number {
  let word = value - ((value >>> 1) & 0x55555555)
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
