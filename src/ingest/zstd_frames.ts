import { constants, zstdDecompressSync } from 'node:zlib'
import { zstdFramesMax } from '../core/limits.ts'

/** What zlib's functions answer with `info`, which their types leave out. */
export interface Decoded {
  buffer: Buffer
  /** `bytesWritten` counts the compressed bytes that it took. */
  engine: { bytesWritten: number }
}

/** Each call takes a chunk of memory first, so it is large only for the first frame, which usually is the only one. */
const laterChunkBytes = 128 * 1024

const frameMagic = 0xfd2fb528
/** The low four bits are anything. */
const skippableMagic = 0x184d2a50
const dictionaryIdBytes = [0, 1, 2, 4] as const
const contentSizeBytes = [0, 2, 4, 8] as const
const checksumBytes = 4
const blockHeadBytes = 3
const rleBlock = 1
const reservedBlock = 3

/**
 * Decompresses a zstd body of one or more frames (RFC 8878, section 3). `zstdDecompressSync` alone ends behind the first one
 * and drops the rest in silence. Throws like it on broken data, and on more than `zstdFramesMax` frames.
 *
 * That a frame is whole is seen here: workerd takes any frame of exactly 40 KiB, and of some multiples, for a cut one when it
 * is to look itself.
 */
export function decompressZstd(body: Buffer, options: { maxOutputLength: number; chunkSize: number }): Buffer {
  const parts: Buffer[] = []
  let left = options.maxOutputLength
  let frames = 0
  let end: number
  for (let start = 0; start === 0 || start < body.length; start = end) {
    if (frames++ === zstdFramesMax) throw new Error(`more than ${zstdFramesMax} frames`)
    end = frameEnd(body, start)
    if (isSkippable(body, start)) continue
    const part = zstdDecompressSync(body.subarray(start, end), {
      chunkSize: parts.length === 0 ? options.chunkSize : Math.min(options.chunkSize, laterChunkBytes),
      maxOutputLength: Math.max(left, 1),
      finishFlush: constants.ZSTD_e_continue,
    })
    parts.push(part)
    left -= part.length
  }
  return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts)
}

/** Where the frame that begins at `start` ends. Throws when it is cut, or none begins there. */
function frameEnd(body: Buffer, start: number): number {
  const magic = uint(body, start, 4)
  if (isSkippable(body, start)) return within(body, start + 8 + uint(body, start + 4, 4))
  if (magic !== frameMagic) throw new Error('unknown frame descriptor')
  const descriptor = uint(body, start + 4, 1)
  const isSingle = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >>> 6
  const sizeBytes = sizeFlag === 0 && isSingle ? 1 : contentSizeBytes[sizeFlag]!
  let at = start + 5 + (isSingle ? 0 : 1) + dictionaryIdBytes[descriptor & 3]! + sizeBytes
  for (let isLast = false; !isLast;) {
    const head = uint(body, at, blockHeadBytes)
    const type = (head >>> 1) & 3
    if (type === reservedBlock) throw new Error('corrupt block')
    isLast = (head & 1) !== 0
    at += blockHeadBytes + (type === rleBlock ? 1 : head >>> 3)
  }
  return within(body, at + ((descriptor & 4) === 0 ? 0 : checksumBytes))
}

function isSkippable(body: Buffer, start: number): boolean {
  return (uint(body, start, 4) & 0xfffffff0) >>> 0 === skippableMagic
}

function uint(body: Buffer, start: number, bytes: number): number {
  within(body, start + bytes)
  return body.readUIntLE(start, bytes)
}

function within(body: Buffer, end: number): number {
  if (end > body.length) throw new Error('unexpected end of file')
  return end
}
