import { describe, expect, it } from 'vitest'
import { blockBytesMax, blockColumnsMax, blockRowsMax, pageRawBytesMax } from '../../../src/core/limits.ts'
import { BlockError } from '../../../src/engine/block/block_error.ts'
import { readHead } from '../../../src/engine/block/head.ts'
import type { EncodedBlock } from '../../../src/engine/block/types.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import { accessRows, allRows, encodeRows, openEncoded, row, storedRow } from '../../support/rows.ts'
import { seededRandom } from '../../support/seeded_random.ts'

/** Text that does not compress. */
function noise(units: number, random: (max: number) => number): string {
  return Buffer.from(Uint8Array.from({ length: units }, () => 32 + random(90))).toString('latin1')
}

function expectAllRows(blocks: readonly EncodedBlock[], rows: readonly EncodableRow[]): void {
  const stored = blocks.flatMap((block) => allRows(openEncoded(block)))
  expect(stored).toHaveLength(rows.length)
  for (const [i, each] of stored.entries()) expect(each).toEqual(storedRow(rows[i]!, each.seq))
}

describe('a builder cuts its rows into blocks', () => {
  it('of at most 65,536 rows', () => {
    const rows = Array.from({ length: blockRowsMax + 1 }, (_, i) => row({ timestampMs: i, message: i % 1000 === 0 ? `row ${i}` : 'same' }))
    const blocks = encodeRows(rows).map((encoded) => openEncoded(encoded))
    expect(blocks.map(({ meta }) => meta.rows)).toEqual([blockRowsMax, 1])
    expect(blocks[0]?.materialise([0, 1, 65_000, 65_535]).map(({ message }) => message)).toEqual(['row 0', 'same', 'row 65000', 'same'])
    expect(blocks[1]?.materialise([0]).map(({ timestampMs }) => timestampMs)).toEqual([blockRowsMax])
  })

  it('that fit one row of the storage, also when the text does not compress', () => {
    const random = seededRandom(7)
    const rows = Array.from({ length: 24 }, () => row({ message: noise(100_000, random) }))
    const blocks = encodeRows(rows)
    expect(blocks.length).toBeGreaterThan(1)
    for (const { head, body, meta } of blocks) {
      expect(head.length + body.length).toBe(meta.bytes)
      expect(meta.bytes).toBeLessThanOrEqual(blockBytesMax)
    }
    expectAllRows(blocks, rows)
  })

  it('keeping the sequence numbers of rows that carry their own', () => {
    const random = seededRandom(8)
    const rows = Array.from({ length: 30 }, () => row({ message: noise(80_000, random) }))
    const seqs = rows.map((_, i) => 10_000 - i * 3)
    const blocks = encodeRows(rows, (i) => ({ seq: seqs[i]! }))
    expect(blocks.length).toBeGreaterThan(1)
    expect(blocks.flatMap((block) => allRows(openEncoded(block)).map(({ seq }) => seq))).toEqual(seqs)
  })

  it('of bounded raw size, however well the text compresses', () => {
    const rows = Array.from({ length: 150 }, (_, i) => row({ message: `${i} ${'x'.repeat(200_000)}` }))
    const blocks = encodeRows(rows)
    expect(blocks.length).toBeGreaterThan(2)
    for (const block of blocks) expect(openEncoded(block).system('message').rawBytes).toBeLessThan(9_000_000)
    expectAllRows(blocks, rows)
  })

  it('of bounded columns, when every row has names of its own', () => {
    const rows = Array.from({ length: 40 }, (_, i) =>
      row({
        attributes: Object.fromEntries(
          Array.from({ length: 256 }, (__, j) => [
            `row${i}.name${j}.${'n'.repeat(240)}`,
            j % 2 === 0 ? j : `value ${j} ${'v'.repeat(300)}`,
          ]),
        ),
      }),
    )
    const blocks = encodeRows(rows)
    expect(blocks.length).toBeGreaterThan(4)
    for (const block of blocks) expect(readHead(block.head).directory.columns.length).toBeLessThanOrEqual(blockColumnsMax)
    expectAllRows(blocks, rows)
  })

  it('and refuses a row that no block can hold', () => {
    const random = seededRandom(9)
    expect(() => encodeRows([row({ message: noise(3_000_000, random) })])).toThrow(RangeError)
    const names = Array.from({ length: blockColumnsMax }, (_, i) => `n${i}`)
    expect(() => encodeRows([{ ...row(), names, values: names }])).toThrow(RangeError)
  })
})

describe('pages', () => {
  it('hold at most 128 KiB, so one long value spans several', () => {
    const message = Array.from({ length: 40_000 }, (_, i) => `${i}`).join(',')
    const encoded = encodeRows([row({ message }), row()])[0]!
    const { pages } = readHead(encoded.head).directory
    expect(pages.length).toBeGreaterThan(1)
    for (const page of pages) expect(page.rawBytes).toBeLessThanOrEqual(pageRawBytesMax)
    expectAllRows([encoded], [row({ message }), row()])
  })

  it('are shared by small columns and not by large ones', () => {
    const encoded = encodeRows(accessRows(2000))[0]!
    const block = openEncoded(encoded)
    const sizes = new Map(block.attributes.map(({ name, rawBytes }) => [name, rawBytes]))
    expect(sizes.get('request_id')).toBe(2000 * 32)
    const { pages, columns } = readHead(encoded.head).directory
    expect(pages.length).toBeLessThan(columns.length / 2)
  })

  it('of text are handed out cut at values, with offsets of their own', () => {
    const messages = Array.from({ length: 6000 }, (_, i) => `message ${i} ${'é'.repeat(i % 40)}`)
    const data = openEncoded(encodeRows(messages.map((message) => row({ message })))[0]!)
      .system('message')
      .data()
    if (data.kind !== 'text') throw new BlockError(`a column of ${data.kind}`)
    expect(data.pages.length).toBeGreaterThan(1)
    const read = data.pages.flatMap(({ first, count, bytes, offsets }) => {
      expect(offsets).toHaveLength(count + 1)
      expect(bytes.length).toBeLessThanOrEqual(pageRawBytesMax)
      return Array.from(
        { length: count },
        (_, i) => [first + i, Buffer.from(bytes.subarray(offsets[i], offsets[i + 1])).toString()] as const,
      )
    })
    expect(read).toEqual(messages.map((message, i) => [i, message]))
  })
})
