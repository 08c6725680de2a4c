import { crc32 } from 'node:zlib'
import { blockDirectoryBytesMax, blockRowsMax, seqMax } from '../../core/limits.ts'
import { severities } from '../../core/severity.ts'
import type { ByteSink } from '../encode/bytes.ts'
import { createSink, decodeLatin1 } from '../encode/bytes.ts'
import { BlockError } from './block_error.ts'
import type { Directory } from './directory.ts'
import { readDirectory, writeDirectory } from './directory.ts'
import { formatVersion, headFixedBytes, headOffsets as at, magic, seqColumnFlag } from './format.ts'
import type { BlockMeta } from './types.ts'

export interface Head {
  meta: BlockMeta
  bodyBytes: number
  directory: Directory
  blooms: Uint8Array
}

/** Builds the head of a block; its checksum covers all of it. */
export function writeHead(meta: Omit<BlockMeta, 'bytes'>, bodyBytes: number, directory: Directory, blooms: ByteSink): Uint8Array {
  const raw = createSink(4096)
  writeDirectory(raw, directory)
  if (raw.length > blockDirectoryBytesMax) throw new RangeError(`a directory of ${raw.length} bytes is too large`)
  const head = new Uint8Array(headFixedBytes + raw.length + blooms.length)
  const view = new DataView(head.buffer)
  view.setUint32(at.magic, magic, true)
  view.setUint8(at.version, formatVersion)
  view.setUint8(at.flags, directory.columns.some(({ system }) => system === 'seq') ? seqColumnFlag : 0)
  view.setUint32(at.rows, meta.rows, true)
  setUint64(view, at.firstSeq, meta.firstSeq)
  setUint64(view, at.minMs, meta.minMs)
  setUint64(view, at.maxMs, meta.maxMs)
  for (const [i, count] of meta.severityCounts.entries()) view.setUint32(at.severityCounts + i * 4, count, true)
  view.setUint32(at.bodyBytes, bodyBytes, true)
  view.setUint32(at.directoryBytes, raw.length, true)
  view.setUint32(at.bloomBytes, blooms.length, true)
  head.set(raw.bytes.subarray(0, raw.length), headFixedBytes)
  head.set(blooms.bytes.subarray(0, blooms.length), headFixedBytes + raw.length)
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
  checkHead(head)
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
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
  const directoryBytes = view.getUint32(at.directoryBytes, true)
  const directoryEnd = headFixedBytes + directoryBytes
  if (directoryEnd + view.getUint32(at.bloomBytes, true) !== head.length) throw new BlockError('the parts of its head do not fill it')
  if (directoryBytes > blockDirectoryBytesMax) throw new BlockError(`its directory has ${directoryBytes} bytes`)
  const bytes = head.subarray(0, directoryEnd)
  const directory = readDirectory({ bytes, offset: headFixedBytes, latin1: decodeLatin1(bytes) }, rows)
  const flags = directory.columns.some(({ system }) => system === 'seq') ? seqColumnFlag : 0
  if (view.getUint16(at.flags, true) !== flags || view.getUint8(at.flags + 2) !== 0) throw new BlockError('its flags are wrong')
  return { meta, bodyBytes, directory, blooms: head.subarray(directoryEnd) }
}

function checkHead(head: Uint8Array): void {
  if (head.length < headFixedBytes) throw new BlockError(`a head of ${head.length} bytes is too short`)
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
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
