import { releaseBytes } from '../../core/buffers.ts'
import { decodeUtf8 } from '../encode/bytes.ts'
import { bytesOfNumbers, readNumbers } from '../encode/numbers.ts'
import { BlockError } from './block_error.ts'
import type { ListEntry } from './directory.ts'
import type { PageReader } from './page_reader.ts'
import type { TextPage } from './types.ts'

/** Pages handed to a scan are cut near this size, so that one stays within the processor's cache. */
const textPageBytes = 128 * 1024

/** A list of texts: its lengths are read at once, its bytes only where asked. */
export interface TextReader {
  text(index: number): string
  /** Where it is, in raw bytes. */
  place(index: number): { start: number; end: number }
  all(): string[]
  pages(): TextPage[]
}

export type TextListEntry = Extract<ListEntry, { kind: 'text' }>

/** Opens a list of `count` texts whose streams begin at raw byte `start`. */
export function openTexts(reader: PageReader, list: TextListEntry, start: number, count: number): TextReader {
  const end = start + list.bytes
  const lengths = readNumbers(reader.range(end, end + bytesOfNumbers(list.lengths, count)), list.lengths, count)
  const offsets = reader.own(readOffsets(lengths, list.bytes))
  releaseBytes(lengths)
  const bytes = () => reader.range(start, end)
  return {
    text: (index) => decodeUtf8(reader.range(start + offsets[index]!, start + offsets[index + 1]!), 0),
    place: (index) => ({ start: start + offsets[index]!, end: start + offsets[index + 1]! }),
    all: () => textsOf(bytes(), offsets),
    pages: () => cutPages(reader, bytes(), offsets),
  }
}

/** Where each text begins, and the end of the last. */
function readOffsets(lengths: Float64Array, bytes: number): Uint32Array {
  const offsets = new Uint32Array(lengths.length + 1)
  let end = 0
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i]!
    end += length
    if (length < 0 || end > bytes || length !== Math.floor(length)) throw new BlockError('the lengths of texts are wrong')
    offsets[i + 1] = end
  }
  if (end !== bytes) throw new BlockError('the lengths of texts are wrong')
  return offsets
}

/** One decoding for all texts when they are ASCII, where bytes and characters are the same. */
function textsOf(bytes: Uint8Array, offsets: Uint32Array): string[] {
  const count = offsets.length - 1
  const whole = decodeUtf8(bytes, 0)
  const isAscii = whole.length === bytes.length
  return Array.from({ length: count }, (_, i) =>
    isAscii ? whole.slice(offsets[i], offsets[i + 1]) : decodeUtf8(bytes, offsets[i]!, offsets[i + 1]),
  )
}

function cutPages(reader: PageReader, bytes: Uint8Array, offsets: Uint32Array): TextPage[] {
  const pages: TextPage[] = []
  const count = offsets.length - 1
  for (let first = 0; first < count;) {
    const start = offsets[first]!
    let next = first + 1
    while (next < count && offsets[next + 1]! - start <= textPageBytes) next++
    const own = reader.own(offsets.slice(first, next + 1))
    if (start > 0) for (let i = 0; i < own.length; i++) own[i]! -= start
    pages.push({ first, count: next - first, bytes: bytes.subarray(start, offsets[next]), offsets: own })
    first = next
  }
  return pages
}
