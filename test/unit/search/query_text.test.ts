import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { allOf, checkQuery, quoted } from '../../../src/search/query_text.ts'

test('a quoted text means just itself, whatever signs it has', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'B', ' ', '"', '\\', '*', '?', '(', ')', ':', '-', 'é', ','), minLength: 1 })
  fc.assert(
    fc.property(text, (given) => {
      expect(parseQuery(quoted(given))).toMatchObject({ kind: 'phrase', field: null, text: given })
      expect(parseQuery(`source:in(${quoted(given)}, x)`)).toMatchObject({ kind: 'in', texts: [given, 'x'] })
    }),
  )
})

test('filters that must all hold are joined without changing what each means', () => {
  expect(parseQuery(allOf(['a OR b', '', 'level:error']))).toMatchObject({ kind: 'and', filters: [{ kind: 'or' }, { kind: 'severity' }] })
  expect(allOf(['', ' '])).toBe('')
  expect(allOf(['a OR b'])).toBe('a OR b')
})

test('a query that cannot be parsed is a problem that names position and expectation', () => {
  expect(() => checkQuery('a AND (b')).toThrow(
    expect.objectContaining({ code: 'invalid_query', details: expect.objectContaining({ position: ['8'] }) as unknown }) as Error,
  )
})
