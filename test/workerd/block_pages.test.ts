import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
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
