import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ingestRawBytesMax } from '../../../src/core/limits.ts'
import { ProblemError } from '../../../src/core/problems.ts'
import { decompress, encodingOf } from '../../../src/ingest/decompress.ts'

const brotli = (body: Buffer) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
const encoders = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync],
  ['br', brotli],
  ['zstd', zstdCompressSync],
] as const

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof ProblemError) return error.code
    throw error
  }
  return 'none'
}

describe.each(encoders)('%s', (encoding, encode) => {
  it('is undone, whatever the size', () => {
    for (const size of [0, 1, 1000, 70_000, 5_000_000]) {
      const body = Buffer.alloc(size, 'log line ')
      expect(decompress(encode(body), encoding).equals(body)).toBe(true)
    }
  })

  it('may give exactly the limit, not a byte more', () => {
    expect(decompress(encode(Buffer.alloc(ingestRawBytesMax)), encoding)).toHaveLength(ingestRawBytesMax)
    expect(codeOf(() => decompress(encode(Buffer.alloc(ingestRawBytesMax + 1)), encoding))).toBe('payload_too_large')
  })

  it('that is a bomb ends at the limit', () => {
    const bomb = encode(Buffer.alloc(8 * ingestRawBytesMax))
    expect(codeOf(() => decompress(bomb, encoding))).toBe('payload_too_large')
  })

  it('never fails but with a problem, whatever the bytes', () => {
    const good = encode(Buffer.from('{"message":"a"}\n'.repeat(100)))
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
      const bytes = Buffer.from(good)
      bytes[at]! ^= flip
      return bytes
    })
    const cut = fc.nat(good.length - 1).map((end) => good.subarray(0, end))
    const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.oneof(damaged, cut, random), (body) => {
        expect(['none', 'malformed_encoding', 'payload_too_large']).toContain(codeOf(() => decompress(body, encoding)))
      }),
    )
  })
})

describe('what stands behind the first stream', () => {
  const [one, two] = [Buffer.from('one\n'), Buffer.from('two\n')]

  it.each(encoders.filter(([name]) => name === 'zstd' || name.endsWith('gzip')))('of %s is read', (encoding, encode) => {
    expect(decompress(Buffer.concat([encode(one), encode(two)]), encoding).toString()).toBe('one\ntwo\n')
  })

  it.each(encoders.filter(([name]) => name === 'deflate' || name === 'br'))('of %s is refused', (encoding, encode) => {
    expect(codeOf(() => decompress(Buffer.concat([encode(one), encode(two)]), encoding))).toBe('malformed_encoding')
  })

  it.each(encoders)('of %s is refused when it is rubbish', (encoding, encode) => {
    for (const rubbish of [
      Buffer.from('\0'),
      Buffer.from('rubbish'),
      Buffer.alloc(100_000),
      Buffer.concat([Buffer.from('\0'), encode(two)]),
    ])
      expect([rubbish.length, codeOf(() => decompress(Buffer.concat([encode(one), rubbish]), encoding))]).toEqual([
        rubbish.length,
        'malformed_encoding',
      ])
  })
})

it('a plain body is limited as well', () => {
  expect(codeOf(() => decompress(Buffer.alloc(ingestRawBytesMax + 1), undefined))).toBe('payload_too_large')
})

it('Content-Encoding is one name that is known, in any case', () => {
  expect(['GZIP', ' br ', 'x-gzip'].map((name) => encodingOf(name))).toEqual(['gzip', 'br', 'x-gzip'])
  expect([undefined, '', 'identity', 'Identity'].map((name) => encodingOf(name))).toEqual([undefined, undefined, undefined, undefined])
  for (const name of ['gzip, br', 'gzip gzip', 'lzma', 'constructor', '__proto__', 'toString']) {
    expect([name, codeOf(() => encodingOf(name))]).toEqual([name, 'unsupported_encoding'])
  }
})
