import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvLine, withoutFormula } from '../../../src/core/csv.ts'
import { parseCsv } from '../search/parse_csv.ts'

describe('a CSV line', () => {
  test('quotes what needs quotes and nothing else (RFC 4180)', () => {
    expect(csvLine(['plain', 'a,b', 'say "hi"', 'two\nlines', '', ' padded', 'a;=b'])).toBe(
      'plain,"a,b","say ""hi""","two\nlines",," padded","a;=b"\r\n',
    )
  })

  test('reads back as the same cells', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', ' ', 'é', '\t', '💥') })
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 5 }), (lines) => {
        expect(parseCsv(lines.map(csvLine).join(''))).toEqual(lines)
      }),
    )
  })
})

describe('text in a CSV file', () => {
  test.each([
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\tx',
    '\rx',
    '\nx',
    ' =1',
    '\u00a0\n -1',
    '\ufeff@x',
    '＝1',
    '＋1',
    '－1',
    ' ＠x',
    "=cmd|' /C calc'!A0",
  ])('is not run by a spreadsheet when it is %j', (text) => {
    expect(withoutFormula(text)).toBe(`'${text}`)
  })

  test.each(['', 'a=b', 'x', '1-2', ' a', 'x\n=1', '{"a":1}'])('stays as it is when it is %j', (text) => {
    expect(withoutFormula(text)).toBe(text)
  })
})
