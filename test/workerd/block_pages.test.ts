import { randomBytes } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { compress, decompress } from '../../src/engine/block/pages.ts'
import { openBlock } from '../../src/engine/block/reader.ts'
import { encodeRows, row } from '../support/rows.ts'

it.each([
  ['base64', 6, (bytes: Buffer) => bytes.toString('base64')],
  ['hexadecimal', 6, (bytes: Buffer) => bytes.toString('hex')],
  ['random characters', 4, (bytes: Buffer) => bytes.toString('latin1')],
])('text that hardly compresses (%s) is stored and read back in this runtime', (_, thousands, text) => {
  for (const size of [16, 600]) {
    const rows = Array.from({ length: size === 16 ? thousands * 1000 : 300 }, () => row({ attributes: { id: text(randomBytes(size)) } }))
    const blocks = encodeRows(rows)
    const read = blocks.flatMap(({ meta, head, body }) =>
      openBlock(meta, head, () => body, { bytesRead: 0, bytesDecompressed: 0, pagesRead: 0 }).materialise(
        Array.from({ length: meta.rows }, (_, i) => i),
      ),
    )
    expect(read.map(({ attributes }) => attributes['id'])).toEqual(rows.map(({ values }) => values[0]))
  }
})

it('a page of any size is read back in this runtime, whatever size its own buffers have', () => {
  const wrong: number[] = []
  const sizes = Array.from({ length: 64 * 1024 }, (_, size) => size).filter(
    (size) => size % 1024 <= 1 || size % 1024 === 1023 || size % 509 === 0,
  )
  for (const size of sizes) {
    const raw = Buffer.alloc(size, 'some text of a log ')
    const stored = compress(raw)
    if (stored === undefined || Buffer.compare(decompress(stored, size), raw) !== 0) wrong.push(size)
  }
  expect(sizes).toContain(40_960)
  expect(wrong).toEqual([])
})

it('a page that is cut or has another length than it should is told in this runtime', () => {
  for (const size of [1000, 40_960, 65_536]) {
    const frame = zstdCompressSync(Buffer.alloc(size, 'some text of a log '))
    expect(() => decompress(frame.subarray(0, -1), size)).toThrow('a page')
    expect(() => decompress(frame, size - 1)).toThrow('a page')
    expect(() => decompress(frame, size + 1)).toThrow('a page')
  }
})
