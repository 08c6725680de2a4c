import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readSegment } from '../../src/engine/segment/reader.ts'
import { createSegmentWriter } from '../../src/engine/segment/writer.ts'
import { accessRows, allRows, anyRows, newCost, row, storedRow } from '../support/rows.ts'
import { segmentBlock, segmentOf } from '../support/segments.ts'

it('any rows come back from a segment as they were added, in the runtime that serves them', () => {
  fc.assert(
    fc.property(anyRows, (rows) => {
      const file = readSegment(segmentOf(rows, 20).bytes)
      expect(file.index.blocks.flatMap((_, n) => allRows(file.open(n, newCost())))).toEqual(rows.map((given, i) => storedRow(given, i + 1)))
    }),
    { numRuns: 20 },
  )
})

it('a segment with an index of many pages that hardly compress is written and read in this runtime', () => {
  const writer = createSegmentWriter()
  for (let n = 0; n < 8; n++) {
    // 300 columns of 40 random words each: small filters, which stand in the index.
    const rows = Array.from({ length: 40 }, () =>
      row({ attributes: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field_${i}`, randomBytes(6).toString('hex')])) }),
    )
    writer.add(segmentBlock(rows, 1 + n * 40))
  }
  const { bytes, meta } = writer.finish()
  expect(meta.indexBytes).toBeGreaterThan(200_000)
  const file = readSegment(bytes)
  expect(file.index.blocks.flatMap((_, n) => allRows(file.open(n, newCost()))).map(({ seq }) => seq)).toEqual(
    Array.from({ length: 320 }, (_, i) => i + 1),
  )
})

it('the filters of a segment rule words out in this runtime', () => {
  const rows = accessRows(3000)
  const file = readSegment(segmentOf(rows, 1500).bytes)
  const ids = file.index.blocks.map((_, n) => file.open(n, newCost()).attribute('request_id'))
  expect(rows.every(({ values }, i) => ids[i < 1500 ? 0 : 1]?.mayHaveToken(String(values[4])))).toBe(true)
  expect(Array.from({ length: 1000 }, (_, i) => `absent${i}`).filter((token) => ids[0]?.mayHaveToken(token)).length).toBeLessThanOrEqual(10)
})
