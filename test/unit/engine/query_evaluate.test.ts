import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bitmapForEach } from '../../../src/engine/bitmap.ts'
import type { Block } from '../../../src/engine/block/types.ts'
import type { Filter } from '../../../src/engine/query/ast.ts'
import { evaluate } from '../../../src/engine/query/evaluate.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { QueryError } from '../../../src/engine/query/query_error.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import { matchesNaively } from '../../support/naive.ts'
import { anyQuery } from '../../support/queries.ts'
import { accessRows, allRows, anyRows, encodeRows, openEncoded } from '../../support/rows.ts'

const always = { fromMs: 0, toMs: Infinity }

function matching(filter: Filter, block: Block): number[] {
  const rows: number[] = []
  bitmapForEach(evaluate(filter, block, always, Infinity), (row) => rows.push(row))
  return rows
}

function expectAsNaive(text: string, rows: readonly EncodableRow[]): void {
  const filter = parseQuery(text)
  for (const encoded of encodeRows(rows)) {
    const block = openEncoded(encoded)
    const expected = allRows(block).flatMap((row, i) => (matchesNaively(filter, row) ? [i] : []))
    expect(matching(filter, openEncoded(encoded)), text).toEqual(expected)
  }
}

const rowsWithQuery = (rows: fc.Arbitrary<EncodableRow[]>) => rows.chain((list) => fc.tuple(fc.constant(list), anyQuery(list)))

test('any query on any rows finds what the naive evaluator finds', () => {
  fc.assert(
    fc.property(rowsWithQuery(anyRows), ([rows, text]) => {
      try {
        parseQuery(text)
      } catch (error) {
        // A generated pattern or range may be malformed; that is for the parser's tests.
        if (error instanceof QueryError) return
        throw error
      }
      expectAsNaive(text, rows)
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 1500) },
  )
})
