import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TokenSet } from '../../../src/engine/encode/bloom.ts'
import {
  addTokensOfAscii,
  addTokensOfText,
  bloomHas,
  clearTokens,
  createTokenSet,
  hashToken,
  wholeFilter,
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

  it('is the same whether tokens come from text or from its bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 200 }), (text) => {
        const set = createTokenSet()
        const bytes = new TextEncoder().encode(`..${text}..`)
        expect(addTokensOfAscii(set, bytes, 2, bytes.length - 2)).toBe(true)
        expect(wholeFilter(set)).toEqual(filterOfText(text))
      }),
    )
  })

  it('leaves bytes beyond ASCII to the path for text', () => {
    expect(addTokensOfAscii(createTokenSet(), new TextEncoder().encode('größe'), 0, 7)).toBe(false)
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
