import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bitmapEmpty, bitmapSet } from '../../../src/engine/bitmap.ts'
import { tokenize } from '../../../src/engine/encode/tokens.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import type { MergeInput } from '../../../src/engine/segment/merge_types.ts'
import { runs } from '../../support/effort.ts'
import { carriedInput, hotInput, merged, openSealed, rowsOf, sealedInputs, sortedRows } from '../../support/merges.ts'
import { allRows, anyRow, anyRows, encodeRows, receivedMs } from '../../support/rows.ts'

/** Rows of few shapes at few times, so that columns meet with other types and rows tie. */
const tiedRow: fc.Arbitrary<EncodableRow> = fc
  .record({
    timestampMs: fc.constantFrom(0, 5, 6, receivedMs, 9_999_999_999_999),
    timestampNs: fc.constantFrom(0, 0, 7),
    severity: fc.nat({ max: 5 }),
    source: fc.constantFrom('api', 'web', ''),
    message: fc.constantFrom('', 'reset by peer', 'Größe', 'x'.repeat(70)),
    pairs: fc.array(
      fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(0, 1, 0.5, true, false, '', '0', 'text', 2n ** 70n, 'x'.repeat(70))),
      {
        maxLength: 3,
      },
    ),
  })
  .map(({ pairs, ...fields }) => ({ ...fields, names: pairs.map(([name]) => name), values: pairs.map(([, value]) => value) }))

const anyBatch = fc.record({
  rows: fc.oneof(fc.array(tiedRow, { minLength: 1, maxLength: 12 }), anyRows, fc.array(anyRow, { minLength: 1, maxLength: 1 })),
  isHot: fc.boolean(),
  dropped: fc.array(fc.nat({ max: 60 }), { maxLength: 6 }),
  spread: fc.integer({ min: 1, max: 1000 }),
})

/** Blocks of a shard, and blocks whose rows carry numbers of their own, some rows of which are to be dropped. */
const anyInputs: fc.Arbitrary<MergeInput[]> = fc.array(anyBatch, { maxLength: 6 }).map((batches) => {
  let nextSeq = 1
  return batches.flatMap(({ rows, isHot, dropped, spread }): MergeInput[] => {
    const firstSeq = nextSeq
    const seqOf = (index: number) => firstSeq + (rows.length - 1 - index) * spread
    nextSeq += rows.length * spread
    const [block] = isHot ? encodeRows(rows) : encodeRows(rows, (index) => ({ seq: seqOf(index), updatedMs: receivedMs + index }))
    if (block === undefined) return []
    const input = isHot ? hotInput(block, firstSeq) : carriedInput(block, seqOf(0))
    const drop = bitmapEmpty(rows.length)
    for (const each of dropped) if (each < rows.length) bitmapSet(drop, each)
    return [dropped.length === 0 ? input : { ...input, drop: () => drop }]
  })
})

describe('a merge of blocks', () => {
  it('gives all rows but the dropped ones, as they were, in order of time and number', () => {
    fc.assert(
      fc.property(anyInputs, (inputs) => {
        const expected = sortedRows(inputs)
        const { blocks, summary } = merged(inputs)
        expect(rowsOf(blocks)).toEqual(expected)
        const rowsIn = inputs.reduce((sum, { meta }) => sum + meta.rows, 0)
        expect(summary).toEqual({ rowsIn, rowsDropped: rowsIn - expected.length, rowsOut: expected.length })
      }),
      { numRuns: runs(300) },
    )
  })

  it('finds each token of each value', () => {
    fc.assert(
      fc.property(anyInputs, (inputs) => {
        const { blocks } = merged(inputs)
        const denied: string[] = []
        for (const block of blocks.length === 0 ? [] : openSealed(blocks)) {
          for (const stored of allRows(block)) {
            denied.push(...tokenize(stored.message).filter((token) => !block.system('message').mayHaveToken(token)))
            for (const [name, value] of Object.entries(stored.attributes)) {
              denied.push(...tokenize(String(value)).filter((token) => block.attribute(name)?.mayHaveToken(token) !== true))
            }
          }
        }
        expect(denied).toEqual([])
      }),
      { numRuns: runs(100) },
    )
  })

  it('of merges gives what one merge gives', () => {
    fc.assert(
      fc.property(anyInputs, fc.nat({ max: 6 }), (inputs, cut) => {
        const parts = [inputs.slice(0, cut), inputs.slice(cut)].flatMap((part) => {
          const { blocks } = merged(part)
          return blocks.length === 0 ? [] : sealedInputs(blocks)
        })
        expect(rowsOf(merged(parts).blocks)).toEqual(rowsOf(merged(inputs).blocks))
      }),
      { numRuns: runs(100) },
    )
  })
})
