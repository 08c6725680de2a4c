import { zstdCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { zstdFramesMax } from '../../src/core/limits.ts'
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
