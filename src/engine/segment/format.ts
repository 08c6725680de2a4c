import { crc32 } from 'node:zlib'

/** Numbers of segment format version 1; FORMAT.md explains them. Header and trailer hold little-endian integers. */
export const segmentMagic = 0x47534c45
export const segmentVersion = 1

export const headerBytes = 8
export const headerOffsets = { magic: 0, version: 4 } as const

export const trailerBytes = 32
export const trailerOffsets = { bodyBytes: 0, filterBytes: 8, pages: 16, checksum: 20, version: 24, magic: 28 } as const

/** One entry of the table of index pages: raw bytes, stored bytes, CRC-32. */
export const pageEntryBytes = 12

/** CRC-32 of table and trailer without the checksum itself. */
export function tailChecksum(tail: Uint8Array): number {
  const offset = tail.length - trailerBytes + trailerOffsets.checksum
  return crc32(tail.subarray(offset + 4), crc32(tail.subarray(0, offset)))
}
