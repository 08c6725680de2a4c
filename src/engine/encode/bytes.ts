import { releaseArrays } from '../../core/buffers.ts'
import { BlockError } from '../block/block_error.ts'

/** Growing buffer; the bytes at and beyond `length` mean nothing. */
export interface ByteSink {
  bytes: Uint8Array
  length: number
}

/** Bytes being read, front to back; every read checks the end first. */
export interface ByteSource {
  bytes: Uint8Array
  offset: number
  /** All of `bytes` as Latin-1, where many short texts are read: cutting them from one string is far cheaper. */
  latin1?: string
}

const utf8 = new TextEncoder()
const float = new DataView(new ArrayBuffer(8))

export function createSink(capacity = 1024): ByteSink {
  return { bytes: new Uint8Array(capacity), length: 0 }
}

/** Makes room for `count` more bytes and answers where they start; `length` moves behind them. */
export function reserve(sink: ByteSink, count: number): number {
  const start = sink.length
  const end = start + count
  if (end > sink.bytes.length) {
    const grown = new Uint8Array(Math.max(end, sink.bytes.length * 2))
    grown.set(sink.bytes.subarray(0, start))
    releaseArrays(sink.bytes)
    sink.bytes = grown
  }
  sink.length = end
  return start
}

export function writeByte(sink: ByteSink, value: number): void {
  const at = reserve(sink, 1)
  sink.bytes[at] = value
}

/** Appends bytes as they are. */
export function writeBytes(sink: ByteSink, bytes: Uint8Array): void {
  const at = reserve(sink, bytes.length)
  sink.bytes.set(bytes, at)
}

const copyBytesMax = 48

/** Copies source[start..end) to target[at...]. A short copy costs less than the view of it would. */
export function copyBytes(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): void {
  if (end - start > copyBytesMax) target.set(source.subarray(start, end), at)
  else for (let i = start, to = at; i < end; i++, to++) target[to] = source[i]!
}

/** LEB128 of an integer from 0 to 2^53 - 1. */
export function writeVarint(sink: ByteSink, value: number): void {
  let rest = value
  while (rest > 0x7f) {
    writeByte(sink, (rest % 128) | 0x80)
    rest = Math.floor(rest / 128)
  }
  writeByte(sink, rest)
}

/** Little-endian, 4 bytes. */
export function writeUint32(sink: ByteSink, value: number): void {
  float.setUint32(0, value, true)
  const at = reserve(sink, 4)
  for (let i = 0; i < 4; i++) sink.bytes[at + i] = float.getUint8(i)
}

/** IEEE 754, little-endian, 8 bytes. */
export function writeFloat64(sink: ByteSink, value: number): void {
  float.setFloat64(0, value, true)
  const at = reserve(sink, 8)
  for (let i = 0; i < 8; i++) sink.bytes[at + i] = float.getUint8(i)
}

/** Appends UTF-8 (a lone surrogate becomes U+FFFD) without a length; answers how many bytes. */
export function writeUtf8(sink: ByteSink, text: string): number {
  const start = sink.length
  // ASCII needs a byte a unit, which is nearly always enough; nothing needs more than three.
  for (const room of [text.length, text.length * 3]) {
    sink.length = start
    reserve(sink, room)
    const { read, written } = utf8.encodeInto(text, sink.bytes.subarray(start, start + room))
    sink.length = start + written
    if (read === text.length) break
  }
  return sink.length - start
}

/** UTF-8 with its length in bytes before it. */
export function writeText(sink: ByteSink, text: string): void {
  const bytes = utf8.encode(text)
  writeVarint(sink, bytes.length)
  writeBytes(sink, bytes)
}

export function readByte(source: ByteSource): number {
  const byte = source.bytes[source.offset]
  if (byte === undefined) throw new BlockError('it ends too early')
  source.offset++
  return byte
}

/** A view of the next `count` bytes. */
export function readBytes(source: ByteSource, count: number): Uint8Array {
  const start = skipBytes(source, count)
  return source.bytes.subarray(start, start + count)
}

/** Where the next `count` bytes begin, which are then read. */
function skipBytes(source: ByteSource, count: number): number {
  const start = source.offset
  if (start + count > source.bytes.length) throw new BlockError('it ends too early')
  source.offset = start + count
  return start
}

export function readVarint(source: ByteSource): number {
  let value = 0
  let scale = 1
  for (;;) {
    const byte = readByte(source)
    value += (byte & 0x7f) * scale
    if (value > Number.MAX_SAFE_INTEGER) throw new BlockError('an integer is too large')
    if (byte < 0x80) return value
    scale *= 128
    if (scale > 2 ** 49) throw new BlockError('an integer is too long')
  }
}

export function readUint32(source: ByteSource): number {
  const at = skipBytes(source, 4)
  const { bytes } = source
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** A view made for each number would cost more than reading it. */
const eightBytes = new DataView(new ArrayBuffer(8))

export function readFloat64(source: ByteSource): number {
  const at = skipBytes(source, 8)
  for (let i = 0; i < 8; i++) eightBytes.setUint8(i, source.bytes[at + i]!)
  return eightBytes.getFloat64(0, true)
}

export function readText(source: ByteSource): string {
  const { bytes, latin1 } = source
  const length = readVarint(source)
  const start = source.offset
  const view = readBytes(source, length)
  return latin1 !== undefined && isAscii(bytes, start, source.offset) ? latin1.slice(start, source.offset) : decodeUtf8(view, 0)
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return false
  return true
}

/** The text of bytes[start..end); bytes that are no UTF-8 become U+FFFD. Unlike TextDecoder it keeps a leading U+FEFF. */
export function decodeUtf8(bytes: Uint8Array, start: number, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
}

/** One character for each byte. */
export function decodeLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
