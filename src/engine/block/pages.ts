import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { releaseBytes } from '../../core/buffers.ts'
import { BlockError } from './block_error.ts'

/** One page: `rawBytes` of the streams, stored in `storedBytes` of the body; equal when compression did not help. */
export interface PageEntry {
  rawBytes: number
  storedBytes: number
  /** CRC-32 of the stored bytes. */
  checksum: number
}

/** A shorter page cannot shrink. */
const compressBytesMin = 24

/**
 * workerd's zstdCompressSync fails ("Unexpected end of file") as soon as a frame fills its first buffer of 40 KiB. Node
 * does not, but keeps to the same limit so that both make the same blocks.
 */
const frameBytesMax = 36 * 1024

/** zlib gets this much room more than a page takes: a chunk that is filled to its end makes it get another. */
const spareBytes = 64

const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }
/** 2^19 is the window of level 1; a hostile frame could ask for 128 MiB. */
const windowLogMax = 19

/** One zstd frame, or the bytes themselves when that is not shorter; undefined when the frame would be too long. */
export function compress(raw: Uint8Array): Uint8Array | undefined {
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

/** Frees what `compress` or `decompress` made of `given`, unless that is what it answered. */
export function releaseMade(made: Uint8Array, given: Uint8Array): void {
  if (made !== given) releaseBytes(made, spareBytes)
}

/** Undoes `compress`; `rawBytes` must have been checked against a limit. */
export function decompress(stored: Uint8Array, rawBytes: number): Uint8Array {
  if (stored.length === rawBytes) return stored
  let raw: Uint8Array
  try {
    raw = zstdDecompressSync(stored, {
      chunkSize: rawBytes + spareBytes,
      // workerd refuses some outputs that fill this exactly, so it only stops what is far too long; the length is checked below.
      maxOutputLength: 2 * rawBytes + 1024,
      // workerd takes any frame of exactly 40 KiB for a cut one when it is to see that the frame ends; the length tells it too.
      finishFlush: constants.ZSTD_e_continue,
      params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
    })
  } catch (error) {
    throw new BlockError(`a page cannot be decompressed (${error instanceof Error ? error.message : String(error)})`)
  }
  if (raw.length !== rawBytes) throw new BlockError(`a page has ${raw.length} bytes, not ${rawBytes}`)
  return raw
}
