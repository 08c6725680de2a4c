import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addTokensOfIntegers,
  addTokensOfList,
  addTokensOfText,
  bloomHas,
  clearTokens,
  createTokenSet,
  filterPartitions,
  hashToken,
  partitionOfHash,
  segmentFilter,
  wholeFilter,
  wholeFilterBytesMax,
} from '../../../src/engine/encode/bloom.ts'
import { tokenize } from '../../../src/engine/encode/tokens.ts'
import { anyText } from '../../support/rows.ts'

function filterOfText(text: string): Uint8Array {
  const set = createTokenSet()
  addTokensOfText(set, text)
  return wholeFilter(set)
}

describe('a token filter', () => {
  it('never denies a token that it holds', () => {
    fc.assert(
      fc.property(fc.array(anyText), (texts) => {
        const filter = filterOfText(texts.join(' '))
        for (const token of tokenize(texts.join(' '))) expect(bloomHas(filter, hashToken(token))).toBe(true)
      }),
    )
  })

  it('is the same whether tokens come from texts or from their bytes', () => {
    const texts = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary-ascii', maxLength: 50 }),
        anyText.map((text) => text.toWellFormed()),
      ),
    )
    fc.assert(
      fc.property(texts, (list) => {
        const set = createTokenSet()
        const lengths = Float64Array.from(list, (text) => Buffer.byteLength(text))
        addTokensOfList(set, Buffer.from(`..${list.join('')}..`), 2, lengths)
        expect(wholeFilter(set)).toEqual(filterOfText(list.join(' ')))
      }),
    )
  })

  it('is the same whether tokens come from integers or from their text', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.nat({ max: 20 }))), (integers) => {
        const set = createTokenSet()
        addTokensOfIntegers(set, Float64Array.from(integers))
        expect(wholeFilter(set)).toEqual(filterOfText(integers.join(' ')))
      }),
    )
  })

  it('without tokens denies every token', () => {
    expect(bloomHas(filterOfText(' -- '), hashToken('a'))).toBe(false)
  })

  it.each([1, 100, 512, 513, 2000, 50_000])('of %i tokens lets at most 0.5 %% of other tokens pass', (count) => {
    const filter = filterOfText(Array.from({ length: count }, (_, i) => `token${i}`).join(' '))
    let passed = 0
    for (let i = 0; i < 100_000; i++) if (bloomHas(filter, hashToken(`other${i}`))) passed++
    expect(passed / 100_000).toBeLessThanOrEqual(0.005)
  })

  it('of a set that was cleared knows nothing of what was in it', () => {
    const set = createTokenSet()
    addTokensOfText(set, Array.from({ length: 3000 }, (_, i) => `old${i}`).join(' '))
    clearTokens(set)
    addTokensOfText(set, 'new words')
    expect(set.count).toBe(2)
    expect(wholeFilter(set)).toEqual(filterOfText('new words'))
  })
})

describe('a token filter of a segment', () => {
  const tokens = (count: number) => Array.from({ length: count }, (_, i) => `token${i}`)

  function segmentFilterOf(count: number): { filter: Uint8Array; has: (token: string) => boolean } {
    const set = createTokenSet()
    addTokensOfText(set, tokens(count).join(' '))
    const filter = segmentFilter(set)
    const length = filter.length / filterPartitions
    const has = (token: string) => {
      const start = partitionOfHash(hashToken(token)) * length
      return bloomHas(filter.subarray(start, start + length), hashToken(token))
    }
    return { filter, has }
  }

  it.each([513, 700, 2000, 50_000])('is partitioned when it has %i tokens, and each partition knows its own', (count) => {
    const { filter, has } = segmentFilterOf(count)
    expect(filter.length).toBeGreaterThan(wholeFilterBytesMax)
    expect(filter.length % filterPartitions).toBe(0)
    expect(tokens(count).every(has)).toBe(true)
  })

  it.each([513, 700, 2000, 50_000])('of %i tokens lets at most 0.5 %% of other tokens pass', (count) => {
    const { has } = segmentFilterOf(count)
    let passed = 0
    for (let i = 0; i < 100_000; i++) if (has(`other${i}`)) passed++
    expect(passed / 100_000).toBeLessThanOrEqual(0.005)
  })

  it('of many tokens takes hardly more than a whole one', () => {
    expect(segmentFilterOf(50_000).filter.length).toBeLessThan((50_000 * 12 * 1.12) / 8)
  })

  it('of few tokens is whole', () => {
    const set = createTokenSet()
    addTokensOfText(set, tokens(512).join(' '))
    expect(segmentFilter(set)).toEqual(wholeFilter(set))
    expect(segmentFilter(set).length).toBeLessThanOrEqual(wholeFilterBytesMax)
  })
})
