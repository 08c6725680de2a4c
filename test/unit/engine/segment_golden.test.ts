import { describe, expect, it } from 'vitest'
import { openSegmentIndex } from '../../../src/engine/segment/index_reader.ts'
import { readSegment } from '../../../src/engine/segment/reader.ts'
import type { SegmentMeta } from '../../../src/engine/segment/types.ts'
import { golden, goldenRows } from '../../support/golden.ts'
import { allRows, newCost } from '../../support/rows.ts'

describe.each(['segment-v1'])('the golden segment %s', (name) => {
  const { meta: known, rows } = goldenRows(name)
  const meta = known as Omit<SegmentMeta, 'key' | 'sha256'>
  const bytes = golden(`${name}.seg`)
  const file = readSegment(bytes)
  const blocks = file.index.blocks.map((_, n) => file.open(n, newCost()))

  it('still reads back every row exactly', () => {
    expect(blocks.flatMap(allRows)).toEqual(rows)
  })

  it('still has the metadata and the index of its time', () => {
    expect(file.meta).toEqual(meta)
    const index = openSegmentIndex({ ...meta, key: '', sha256: '' }, bytes.subarray(bytes.length - meta.indexBytes))
    expect(index.blocks).toEqual(file.index.blocks)
  })

  it('still has filters, whole and partitioned ones, that know its words and rule out others', () => {
    const filters = blocks.map((block) => block.attribute('request_id')).filter((column) => column !== undefined)
    for (const [n, block] of blocks.entries()) {
      for (const { attributes } of allRows(block)) expect(filters[n]?.mayHaveToken(String(attributes.request_id))).toBe(true)
    }
    for (const filter of filters) {
      const passed = Array.from({ length: 1000 }, (_, i) => `absent${i}`).filter((token) => filter.mayHaveToken(token))
      expect(passed.length).toBeLessThanOrEqual(10)
    }
    expect(file.index.partitionRange(0).end - file.index.partitionRange(0).start).toBeGreaterThan(0)
  })
})

it('the golden segment of version 1 has blocks with consecutive and with explicit sequence numbers', () => {
  const { index } = readSegment(golden('segment-v1.seg'))
  expect(index.blocks.map(({ meta, lastSeq }) => lastSeq - meta.firstSeq + 1 - meta.rows)).toEqual([0, 78])
})
