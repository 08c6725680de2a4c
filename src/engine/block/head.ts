import { crc32 } from 'node:zlib'
import { blockDirectoryBytesMax, blockRowsMax, seqMax } from '../../core/limits.ts'
import { severities } from '../../core/severity.ts'
import { createSink, decodeLatin1 } from '../encode/bytes.ts'
import { BlockError } from './block_error.ts'
import type { Directory } from './directory.ts'
import { readDirectory, writeDirectory } from './directory.ts'
import { filtersApartFlag, formatVersion, headFixedBytes, headOffsets as at, magic, seqColumnFlag } from './format.ts'
import type { BlockMeta } from './types.ts'

export interface Head {
  meta: BlockMeta
  bodyBytes: number
  directory: Directory
  /** Token filters of all columns, one after the other; undefined when a segment keeps them apart. */
  blooms: Uint8Array | undefined
}

/** Builds the head of a block, without `filters` one whose filters are kept apart; its checksum covers all of it. */
export function writeHead(
  meta: Omit<BlockMeta, 'bytes'>,
  bodyBytes: number,
  directory: Directory,
  filters?: readonly Uint8Array[],
): Uint8Array {
  const raw = createSink(4096)
  writeDirectory(raw, directory)
  if (raw.length > blockDirectoryBytesMax) throw new RangeError(`a directory of ${raw.length} bytes is too large`)
  const bloomBytes = filters?.reduce((sum, filter) => sum + filter.length, 0) ?? 0
  const head = new Uint8Array(headFixedBytes + raw.length + bloomBytes)
  const view = new DataView(head.buffer)
  view.setUint32(at.magic, magic, true)
  view.setUint8(at.version, formatVersion)
  view.setUint8(at.flags, flagsOf(directory) | (filters === undefined ? filtersApartFlag : 0))
  view.setUint32(at.rows, meta.rows, true)
  setUint64(view, at.firstSeq, meta.firstSeq)
  setUint64(view, at.minMs, meta.minMs)
  setUint64(view, at.maxMs, meta.maxMs)
  for (const [i, count] of meta.severityCounts.entries()) view.setUint32(at.severityCounts + i * 4, count, true)
  view.setUint32(at.bodyBytes, bodyBytes, true)
  view.setUint32(at.directoryBytes, raw.length, true)
  view.setUint32(at.bloomBytes, bloomBytes, true)
  head.set(raw.bytes.subarray(0, raw.length), headFixedBytes)
  let end = headFixedBytes + raw.length
  for (const filter of filters ?? []) {
    head.set(filter, end)
    end += filter.length
  }
  view.setUint32(at.checksum, checksumOf(head), true)
  return head
}

/** A copy of a head with the sequence number of the block's first row written into it. */
export function stampFirstSeq(head: Uint8Array, seq: number): Uint8Array {
  checkHead(head)
  if (!Number.isSafeInteger(seq) || seq < 0 || seq > seqMax) throw new RangeError(`${seq} is no sequence number`)
  if ((head[at.flags]! & seqColumnFlag) !== 0) throw new RangeError('the block carries the sequence number of each row')
  const stamped = new Uint8Array(head)
  const view = new DataView(stamped.buffer)
  setUint64(view, at.firstSeq, seq)
  view.setUint32(at.checksum, checksumOf(stamped), true)
  return stamped
}

/** Reads and checks a head. */
export function readHead(head: Uint8Array): Head {
  const { meta, bodyBytes } = readHeadMeta(head)
  const view = viewOf(head)
  const directoryBytes = view.getUint32(at.directoryBytes, true)
  const bloomBytes = view.getUint32(at.bloomBytes, true)
  const directoryEnd = headFixedBytes + directoryBytes
  if (directoryEnd + bloomBytes !== head.length) throw new BlockError('the parts of its head do not fill it')
  if (directoryBytes > blockDirectoryBytesMax) throw new BlockError(`its directory has ${directoryBytes} bytes`)
  const bytes = head.subarray(0, directoryEnd)
  const directory = readDirectory({ bytes, offset: headFixedBytes, latin1: decodeLatin1(bytes) }, meta.rows)
  const apart = (head[at.flags]! & filtersApartFlag) !== 0
  if (view.getUint16(at.flags, true) !== (flagsOf(directory) | (apart ? filtersApartFlag : 0)) || view.getUint8(at.flags + 2) !== 0)
    throw new BlockError('its flags are wrong')
  if (apart && bloomBytes > 0) throw new BlockError('its filters are both in its head and apart')
  return { meta, bodyBytes, directory, blooms: apart ? undefined : head.subarray(directoryEnd) }
}

/** What the fixed part of a head says; the head's checksum is right. */
export function readHeadMeta(head: Uint8Array): { meta: BlockMeta; bodyBytes: number } {
  checkHead(head)
  const view = viewOf(head)
  const rows = view.getUint32(at.rows, true)
  if (rows < 1 || rows > blockRowsMax) throw new BlockError(`it claims ${rows} rows`)
  const bodyBytes = view.getUint32(at.bodyBytes, true)
  const meta: BlockMeta = {
    firstSeq: getUint64(view, at.firstSeq),
    rows,
    minMs: getUint64(view, at.minMs),
    maxMs: getUint64(view, at.maxMs),
    severityCounts: severities.map((_, i) => view.getUint32(at.severityCounts + i * 4, true)),
    bytes: head.length + bodyBytes,
  }
  if (meta.minMs > meta.maxMs) throw new BlockError('its first time is after its last')
  if (meta.severityCounts.reduce((sum, count) => sum + count, 0) !== rows)
    throw new BlockError('its severity counts do not sum up to its rows')
  return { meta, bodyBytes }
}

function flagsOf({ columns }: Directory): number {
  return columns.some(({ system }) => system === 'seq') ? seqColumnFlag : 0
}

function viewOf(head: Uint8Array): DataView {
  return new DataView(head.buffer, head.byteOffset, head.byteLength)
}

function checkHead(head: Uint8Array): void {
  if (head.length < headFixedBytes) throw new BlockError(`a head of ${head.length} bytes is too short`)
  const view = viewOf(head)
  if (view.getUint32(at.magic, true) !== magic) throw new BlockError('it does not begin as a block')
  if (head[at.version] !== formatVersion) throw new BlockError(`format version ${head[at.version]} is not known`)
  if (view.getUint32(at.checksum, true) !== checksumOf(head)) throw new BlockError('its head fails its checksum')
}

/** CRC-32 of the head without the checksum itself. */
function checksumOf(head: Uint8Array): number {
  return crc32(head.subarray(at.checksum + 4), crc32(head.subarray(0, at.checksum)))
}

function setUint64(view: DataView, offset: number, value: number): void {
  view.setBigUint64(offset, BigInt(value), true)
}

function getUint64(view: DataView, offset: number): number {
  const value = view.getBigUint64(offset, true)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new BlockError('an integer in its head is too large')
  return Number(value)
}
