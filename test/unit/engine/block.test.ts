import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stampFirstSeq } from '../../../src/engine/block/writer.ts'
import { accessRows, allRows, anyRows, encodeRows, openEncoded, row, storedRow } from '../../support/rows.ts'

describe('a block', () => {
  it('gives back every row as it was added', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const stored = encodeRows(rows).flatMap((block) => allRows(openEncoded(block)))
        expect(stored).toEqual(rows.map((given, i) => storedRow(given, i)))
      }),
    )
  })
})
