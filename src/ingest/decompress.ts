import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import { ingestRawBytesMax } from '../core/limits.ts'
import { problem, ProblemError } from '../core/problems.ts'
import type { Decoded } from './zstd_frames.ts'
import { decompressZstd } from './zstd_frames.ts'

const decoders = {
  gzip: toTheEnd(gunzipSync),
  'x-gzip': toTheEnd(gunzipSync),
  deflate: toTheEnd(inflateEither),
  br: toTheEnd(brotliDecompressSync),
  zstd: decompressZstd,
} as const

type Encoding = keyof typeof decoders
type Options = { maxOutputLength: number; chunkSize: number; info?: true }
type Decoder = (body: Buffer, options: Options) => Buffer

/** The one encoding that a Content-Encoding header names, undefined when there is none; refuses unknown and stacked ones. */
export function encodingOf(header: string | undefined): Encoding | undefined {
  const name = header?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return undefined
  if (Object.hasOwn(decoders, name)) return name as Encoding
  throw problem('unsupported_encoding', 'Send the body plain or with one Content-Encoding: gzip, deflate, br or zstd.', {
    headers: { 'Accept-Encoding': 'gzip, deflate, br, zstd' },
  })
}

/** The body as it was before compression, at most `ingestRawBytesMax` bytes: a bomb ends there with 413, corrupt data is a 400. */
export function decompress(body: Buffer, encoding: Encoding | undefined): Buffer {
  const raw = encoding === undefined ? body : run(decoders[encoding], body, encoding)
  if (raw.length > ingestRawBytesMax) throw tooLarge()
  return raw
}

function run(decode: Decoder, body: Buffer, encoding: Encoding): Buffer {
  try {
    return decode(body, { maxOutputLength: outputBytesMax, chunkSize: chunkSizeFor(body.length) })
  } catch (error) {
    if (error instanceof ProblemError) throw error
    if (error instanceof Error && tooLargePattern.test(`${'code' in error ? String(error.code) : ''} ${error.message}`)) throw tooLarge()
    throw problem('malformed_encoding', `The body is not valid ${encoding} data.`, { cause: error })
  }
}

/** Node and workerd say it with one code or in words. */
const tooLargePattern = /ERR_BUFFER_TOO_LARGE|larger than|memory limit/i
/** An output of exactly the limit can fail, so it lies above what is accepted. */
const outputBytesMax = ingestRawBytesMax + 1024 * 1024

/** Logs shrink about tenfold: with a few chunks of that size little is copied, and a small body does not take megabytes. */
function chunkSizeFor(bytes: number): number {
  return Math.min(Math.max(bytes * 4, 64 * 1024), 4 * 1024 * 1024)
}

/** zlib itself drops in silence what stands behind the end of a stream; gzip alone may have several. */
function toTheEnd(decode: Decoder): Decoder {
  return (body, options) => {
    const { buffer, engine } = decode(body, { ...options, info: true }) as unknown as Decoded
    if (engine.bytesWritten === body.length) return buffer
    throw problem('malformed_encoding', `The compressed data ends at byte ${engine.bytesWritten}, but the body has ${body.length} bytes.`)
  }
}

/** HTTP's `deflate` means the zlib format, but some clients send the bare one; a zlib header is told by its check bits (RFC 1950). */
function inflateEither(body: Buffer, options: Options): Buffer {
  const [first = 0, second = 0] = body
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0 ? inflateSync(body, options) : inflateRawSync(body, options)
}

function tooLarge() {
  return problem('payload_too_large', `The body may have at most ${ingestRawBytesMax} bytes when decompressed.`)
}
