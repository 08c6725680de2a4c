import { describe, expect, it } from 'vitest'
import { tokenize } from '../../../src/engine/encode/tokens.ts'
import { readSegment } from '../../../src/engine/segment/reader.ts'
import { corpusLines, corpusRows } from '../../support/corpus.ts'
import type { CorpusName } from '../../support/corpus.ts'
import { allRows, encodeRows, newCost, openEncoded, storedRow } from '../../support/rows.ts'
import { segmentOf } from '../../support/segments.ts'

describe.each<CorpusName>(['nginx-access', 'pino'])('2,000 lines of %s', (name) => {
  const rows = corpusRows(name)
  const [encoded, ...more] = encodeRows(rows)
  if (encoded === undefined || more.length > 0) throw new Error('they do not make one block')
  const block = openEncoded(encoded)

  it('come back as they were', () => {
    expect(rows).toHaveLength(2000)
    expect(allRows(block)).toEqual(rows.map((row, i) => storedRow(row, i)))
  })

  it('take less than a twelfth of their size as lines', () => {
    expect(encoded.meta.bytes).toBeLessThan(corpusLines(name).length / 12)
  })

  const sealed = readSegment(segmentOf(rows, rows.length).bytes).open(0, newCost())

  it('come back from a segment as they were', () => {
    expect(allRows(sealed)).toEqual(rows.map((row, i) => storedRow(row, i + 1)))
  })

  describe.each([
    ['a block', block],
    ['a segment', sealed],
  ])('as %s', (_, opened) => {
    const texts = [opened.system('message'), ...opened.attributes].filter(({ hasText }) => hasText)

    it('have filters that let at most 1 % of foreign tokens pass, over all columns', () => {
      const held = new Map(texts.map((column) => [column.name, new Set<string>()]))
      for (const { message, attributes } of allRows(opened)) {
        for (const [field, value] of [['message', message] as const, ...Object.entries(attributes)]) {
          for (const token of tokenize(String(value))) held.get(field)?.add(token)
        }
      }
      // Tokens of all columns are asked of each: real words, foreign to most columns.
      const asked = new Set([...held.values()].flatMap((tokens) => [...tokens]))
      let foreign = 0
      let passed = 0
      for (const column of texts) {
        const own = held.get(column.name) ?? new Set()
        expect([...own].filter((token) => !column.mayHaveToken(token))).toEqual([])
        const others = [...asked].filter((token) => !own.has(token))
        foreign += others.length
        passed += others.filter((token) => column.mayHaveToken(token)).length
      }
      expect(foreign).toBeGreaterThan(10_000)
      expect(passed / foreign).toBeLessThanOrEqual(0.01)
    })

    it('are ruled out without a page read for 97 % of words that stand nowhere', () => {
      const asked = Array.from({ length: 2000 }, (_, i) => `zebra${i}`)
      const passed = asked.filter((token) => texts.some((column) => column.mayHaveToken(token)))
      expect(passed.length / asked.length).toBeLessThan(0.03)
    })
  })
})
