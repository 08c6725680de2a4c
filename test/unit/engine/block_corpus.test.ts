import { describe, expect, it } from 'vitest'
import { tokenize } from '../../../src/engine/encode/tokens.ts'
import { corpusLines, corpusRows } from '../../support/corpus.ts'
import type { CorpusName } from '../../support/corpus.ts'
import { allRows, encodeRows, openEncoded, storedRow } from '../../support/rows.ts'

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

  it('have filters that let at most 1 % of foreign tokens pass, over all columns', () => {
    const texts = [block.system('message'), ...block.attributes].filter(({ hasText }) => hasText)
    const held = new Map(texts.map((column) => [column.name, new Set<string>()]))
    for (const { message, attributes } of allRows(block)) {
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

  it('are ruled out by the head alone for 97 % of words that stand nowhere', () => {
    const texts = [block.system('message'), ...block.attributes].filter(({ hasText }) => hasText)
    const asked = Array.from({ length: 2000 }, (_, i) => `zebra${i}`)
    const passed = asked.filter((token) => texts.some((column) => column.mayHaveToken(token)))
    expect(passed.length / asked.length).toBeLessThan(0.03)
  })
})
