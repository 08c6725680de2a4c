import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold, isTokenChar, tokenize } from '../../../src/engine/encode/tokens.ts'
import { anyText } from '../../support/rows.ts'

const anyUnicode = fc.oneof(anyText, fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }))

describe('tokens', () => {
  it('are runs of letters, digits and underscores, in lower case', () => {
    expect(tokenize('GET /api/Orders_2?id=17 HTTP/1.1')).toEqual(['get', 'api', 'orders_2', 'id', '17', 'http', '1', '1'])
  })

  it('take letters, numbers and marks of every script', () => {
    expect(tokenize('Größe: ٣٤ 日本語 naïve e\u0301té — €5')).toEqual(['größe', '٣٤', '日本語', 'naïve', 'e\u0301té', '5'])
  })

  it('are absent from punctuation, space and emoji', () => {
    expect(tokenize(' -- "…" 😀 \0\n')).toEqual([])
  })

  it('are what isTokenChar says, character by character', () => {
    fc.assert(
      fc.property(anyUnicode, (text) => {
        const marked = Array.from(text, (character) => (isTokenChar(character.codePointAt(0) ?? 0) ? fold(character) : ' ')).join('')
        expect(tokenize(text)).toEqual(marked.split(' ').filter((token) => token !== ''))
      }),
    )
  })

  it('are their own only token', () => {
    fc.assert(
      fc.property(anyUnicode, (text) => {
        for (const token of tokenize(text)) expect(tokenize(token)).toEqual([token])
      }),
    )
  })
})

describe('folding', () => {
  it('leaves the Kelvin sign and the dotted capital I as they are, since neither may become ASCII', () => {
    expect(fold('K\u212A \u0130I')).toBe('k\u212A \u0130i')
  })

  it('lowers a capital sigma the same at the end of a word as within it', () => {
    expect(fold('ΣΑΣ')).toBe('σασ')
  })

  it('keeps the length, and which characters belong to tokens, for every code point', () => {
    for (let point = 0; point <= 0x10ffff; point++) {
      const character = String.fromCodePoint(point)
      const folded = fold(character)
      if (folded === character) continue
      expect(folded).toHaveLength(character.length)
      expect(isTokenChar(folded.codePointAt(0) ?? 0)).toBe(isTokenChar(point))
      expect(/[\0-\x7f]/.test(folded)).toBe(point < 0x80)
    }
  })

  it('of two texts joined is the two folded and joined', () => {
    fc.assert(
      fc.property(anyUnicode, anyUnicode, (one, other) => {
        const parts = [one.toWellFormed(), other.toWellFormed()]
        expect(fold(parts.join(''))).toBe(parts.map(fold).join(''))
      }),
    )
  })

  it('done twice changes nothing more', () => {
    fc.assert(
      fc.property(anyUnicode, (text) => {
        expect(fold(fold(text))).toBe(fold(text))
      }),
    )
  })
})
