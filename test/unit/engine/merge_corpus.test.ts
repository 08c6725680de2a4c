import { describe, expect, it } from 'vitest'
import { tokenize } from '../../../src/engine/encode/tokens.ts'
import { corpusRows } from '../../support/corpus.ts'
import type { CorpusName } from '../../support/corpus.ts'
import { hotInput, merged, openSealed, rowsOf, sortedRows } from '../../support/merges.ts'
import { allRows, encodeRows } from '../../support/rows.ts'

describe.each<CorpusName>(['nginx-access', 'pino'])('2,000 lines of %s, stored 100 at a time', (name) => {
  const rows = corpusRows(name)
  const inputs = Array.from({ length: 20 }, (_, i) => hotInput(encodeRows(rows.slice(i * 100, (i + 1) * 100))[0]!, i * 100 + 1))
  // Blocks come in no order, as segments of several sources do.
  const { blocks } = merged(inputs.toReversed())

  it('come back as they were, in order', () => {
    expect(blocks).toHaveLength(1)
    expect(rowsOf(blocks)).toEqual(sortedRows(inputs))
  })

  it('take less than two thirds of what they took', () => {
    const before = inputs.reduce((sum, { meta }) => sum + meta.bytes, 0)
    const [{ meta, filters }] = blocks as [(typeof blocks)[number]]
    expect(meta.bytes + filters.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(before * 0.66)
  })

  it('are found by each of their tokens, and hardly by others', () => {
    const [block] = openSealed(blocks)
    const held = new Set(allRows(block!).flatMap(({ message }) => tokenize(message)))
    const message = block!.system('message')
    expect([...held].filter((token) => !message.mayHaveToken(token))).toEqual([])
    const foreign = Array.from({ length: 2000 }, (_, i) => `other${i}`).filter((token) => message.mayHaveToken(token))
    expect(foreign.length).toBeLessThan(20)
  })
})
