import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { zstdFramesMax } from '../../src/core/limits.ts'
import { decompress } from '../../src/ingest/decompress.ts'
import { decompressZstd } from '../../src/ingest/zstd_frames.ts'

const options = { maxOutputLength: 1024 * 1024, chunkSize: 64 * 1024 }
const frames = (texts: string[]) => Buffer.concat(texts.map((text) => zstdCompressSync(Buffer.from(text))))

it('zstd bodies are read to the last of their frames', () => {
  const texts = ['one\n', '', 'x'.repeat(100_000), 'last\n']
  expect(decompressZstd(frames(texts), options).toString()).toBe(texts.join(''))
  expect(decompressZstd(frames(['alone']), options).toString()).toBe('alone')
})

it('zstd bodies that are cut or go on with rubbish are refused', () => {
  const body = frames(['first', 'second'])
  expect(() => decompressZstd(body.subarray(0, -3), options)).toThrow(/unexpected end|corrupt|incorrect/i)
  expect(() => decompressZstd(Buffer.concat([body, Buffer.from('rubbish')]), options)).toThrow(/unknown frame|prefix|corrupt/i)
})

it('zstd bodies of many frames are bounded in bytes and in frames', () => {
  const large = zstdCompressSync(Buffer.alloc(100_000))
  expect(() => decompressZstd(Buffer.concat(Array.from({ length: 11 }, () => large)), options)).toThrow(/larger|memory limit/i)
  const tiny = zstdCompressSync(Buffer.from('a'))
  expect(() => decompressZstd(Buffer.concat(Array.from({ length: zstdFramesMax + 1 }, () => tiny)), options)).toThrow('frames')
})

it('bodies of any size are read, whatever size the buffers of this runtime have', () => {
  const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync } as const
  const wrong: string[] = []
  for (const size of [
    0, 1, 16_384, 32_768, 40_959, 40_960, 40_961, 65_536, 81_920, 122_880, 131_072, 163_840, 262_144, 327_680, 1_048_576, 4_194_304,
  ]) {
    const raw = Buffer.alloc(size, 'some text of a log\n')
    for (const [name, encode] of Object.entries(encoders) as [keyof typeof encoders, (typeof encoders)['gzip']][]) {
      if (Buffer.compare(decompress(encode(raw), name), raw) !== 0) wrong.push(`${name} ${size}`)
    }
  }
  expect(wrong).toEqual([])
})

it('zstd frames with all kinds of headers are walked to their end, and skippable ones are skipped', () => {
  const raw = Buffer.from('some text of a log '.repeat(20_000))
  const skippable = Buffer.concat([Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from('any')])
  for (const checksum of [0, 1]) {
    for (const contentSize of [0, 1]) {
      const params = { [constants.ZSTD_c_checksumFlag]: checksum, [constants.ZSTD_c_contentSizeFlag]: contentSize }
      const frame = zstdCompressSync(raw, { params })
      expect(decompressZstd(Buffer.concat([skippable, frame, skippable, frame]), options)).toEqual(Buffer.concat([raw, raw]))
      for (const cut of [1, 2, 3, 4, 5, frame.length - 5, frame.length - 1])
        expect(() => decompressZstd(frame.subarray(0, frame.length - cut), options)).toThrow(/unexpected end|unknown frame|corrupt/i)
    }
  }
})
