import { zstdDecompressSync } from 'node:zlib'
import { zstdFramesMax } from '../core/limits.ts'

/** What zlib's functions answer with `info`, which their types leave out. */
export interface Decoded {
  buffer: Buffer
  /** `bytesWritten` counts the compressed bytes that it took. */
  engine: { bytesWritten: number }
}

/** Each call takes a chunk of memory first, so it is large only for the first frame, which usually is the only one. */
const laterChunkBytes = 128 * 1024

/**
 * Decompresses a zstd body of one or more frames (RFC 8878, section 3). `zstdDecompressSync` alone ends behind the first
 * one and drops the rest in silence. Throws like it, and on more than `zstdFramesMax` frames.
 */
export function decompressZstd(body: Buffer, options: { maxOutputLength: number; chunkSize: number }): Buffer {
  const parts: Buffer[] = []
  let left = options.maxOutputLength
  let offset = 0
  do {
    if (parts.length === zstdFramesMax) throw new Error(`more than ${zstdFramesMax} frames`)
    const decoded = zstdDecompressSync(body.subarray(offset), {
      chunkSize: parts.length === 0 ? options.chunkSize : Math.min(options.chunkSize, laterChunkBytes),
      maxOutputLength: Math.max(left, 1),
      info: true,
    }) as unknown as Decoded
    parts.push(decoded.buffer)
    left -= decoded.buffer.length
    offset += decoded.engine.bytesWritten
  } while (offset < body.length)
  return parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts)
}
