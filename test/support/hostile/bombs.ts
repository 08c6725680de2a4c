import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'

const mebibyte = 1024 * 1024
/** As much as zstd compresses at once in this runtime, and repeats: frames and gzip members may be joined. */
const part = Buffer.alloc(128 * 1024, '{"a":1}\n')

function repeat(bytes: Uint8Array, times: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(Array.from({ length: times }, () => bytes)))
}

let memo: Map<string, Uint8Array<ArrayBuffer>> | undefined

function once(name: string, make: () => Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  memo ??= new Map()
  const known = memo.get(name) ?? make()
  memo.set(name, known)
  return known
}

/** Small bodies that unpack to 64 MiB or more. */
export const bombs: readonly { encoding: string; bytes(): Uint8Array<ArrayBuffer> }[] = [
  { encoding: 'gzip', bytes: () => once('gzip', () => repeat(gzipSync(Buffer.alloc(8 * mebibyte)), 64)) },
  { encoding: 'deflate', bytes: () => once('deflate', () => Uint8Array.from(deflateSync(Buffer.alloc(64 * mebibyte)))) },
  {
    encoding: 'br',
    bytes: () =>
      once('br', () =>
        Uint8Array.from(brotliCompressSync(Buffer.alloc(64 * mebibyte), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })),
      ),
  },
  { encoding: 'zstd', bytes: () => once('zstd', () => repeat(zstdCompressSync(part), 4096)) },
]
