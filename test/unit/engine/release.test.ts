import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { releaseArrays, releaseBytes } from '../../../src/core/buffers.ts'
import { addRow, createBuffer } from '../../../src/engine/block/block_buffer.ts'
import { openBlock } from '../../../src/engine/block/reader.ts'
import type { Block, Column } from '../../../src/engine/block/types.ts'
import { encodeSegmentBlock } from '../../../src/engine/segment/block_encoder.ts'
import { createBodyParts } from '../../../src/engine/segment/body.ts'
import { readIndex } from '../../../src/engine/segment/index_reader.ts'
import { runs } from '../../support/effort.ts'
import { accessRows, allRows, anyRows, encodeRows, newCost, openEncoded } from '../../support/rows.ts'
import { segmentOf } from '../../support/segments.ts'

function columnsOf(block: Block): Column[] {
  return [...(['timestamp', 'severity', 'message'] as const).map((name) => block.system(name)), ...block.attributes]
}

describe('released bytes', () => {
  it('are gone when they are a whole buffer, and stay when others have parts of it', () => {
    const whole = new Uint8Array(100)
    releaseBytes(whole)
    expect(whole.length).toBe(0)
    const shared = new Uint8Array(100)
    releaseBytes(shared.subarray(0, 99))
    releaseBytes(shared.subarray(1))
    expect(shared.length).toBe(100)
    releaseBytes(shared.subarray(0, 99), 1)
    expect(shared.length).toBe(0)
  })
})

describe('released arrays', () => {
  it('are gone when they are large, and left to the collector when they are small or not there', () => {
    const [large, small] = [new Float64Array(512), new Float64Array(511)]
    releaseArrays(large, undefined, small)
    expect([large.length, small.length]).toEqual([0, 511])
  })

  it('are those of a merged block once it is encoded', () => {
    const buffer = createBuffer()
    for (const [i, given] of accessRows(2000).entries()) addRow(buffer, given, { seq: i + 1 }, 0)
    const { numbers } = buffer.system.timestamp
    const { codes } = buffer.system.message
    expect([numbers!.length, codes!.length]).toEqual([2048, 2048])
    expect(encodeSegmentBlock(buffer)).toMatchObject({ lastSeq: 2000, meta: { rows: 2000 } })
    expect([numbers!.length, codes!.length]).toEqual([0, 0])
  })
})

describe('a released block', () => {
  it('throws whatever is asked of a column that reads, decoded before or not', () => {
    fc.assert(
      fc.property(anyRows, fc.boolean(), (rows, isRead) => {
        const encoded = encodeRows(rows)[0]!
        const block = openEncoded(encoded)
        if (isRead) allRows(block)
        if (isRead) for (const column of columnsOf(block)) column.data()
        block.release()
        for (const column of columnsOf(block)) expect(() => column.data()).toThrow('after its release')
        expect(() => block.timestampMs(0)).toThrow('after its release')
        // The encoded bytes are not its own.
        expect(allRows(openEncoded(encoded))).toHaveLength(encoded.meta.rows)
      }),
      { numRuns: runs(40) },
    )
  })

  it('frees its decompressed pages, and the body when that is its own', () => {
    const { meta, head, body } = encodeRows(accessRows(2000).map((given, i) => ({ ...given, message: `took ${Math.sin(i)}` })))[0]!
    const own = new Uint8Array(body)
    const block = openBlock(meta, head, () => own, newCost(), true)
    const message = block.system('message').data()
    const page = message.kind === 'text' ? message.pages[0]?.bytes : undefined
    expect(page?.length).toBeGreaterThan(0)
    block.release()
    expect([page?.length, own.length, body.length > 0]).toEqual([0, 0, true])
  })
})

describe('a body of parts', () => {
  it('frees what it has, and what a read still brings after its release', () => {
    const parts = createBodyParts()
    const [early, late] = [new Uint8Array(10), new Uint8Array(10)]
    parts.add(0, early)
    expect(parts.has(2, 8)).toBe(true)
    parts.release()
    parts.add(10, late)
    expect([early.length, late.length, parts.has(2, 8), parts.has(12, 18)]).toEqual([0, 0, false, false])
  })
})

describe('the index of a segment', () => {
  it('needs the bytes no more that it was read from, one page or several', () => {
    for (const rows of [1, 30, 3000]) {
      const { bytes, meta } = segmentOf(accessRows(rows), 20)
      const tail = bytes.slice(bytes.length - meta.indexBytes)
      const { index } = readIndex(tail, bytes.length)
      tail.fill(0)
      const { bodyStart, bodyBytes } = index.blocks[0]!
      const body = createBodyParts()
      body.add(0, bytes.slice(bodyStart, bodyStart + bodyBytes))
      expect(allRows(index.open(0, new Map(), body, newCost()))).toHaveLength(Math.min(20, rows))
    }
  })
})
