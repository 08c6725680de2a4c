import fc from 'fast-check'
import { expect, test } from 'vitest'
import { statsFunctionsMax } from '../../../src/core/limits.ts'
import { parseStats } from '../../../src/engine/query/stats_parser.ts'
import { QueryError } from '../../../src/engine/query/query_error.ts'
import { runs } from '../../support/effort.ts'

test('functions are read with their fields, and canonical texts', () => {
  expect(parseStats(' count( ) ,p99.9( duration),count_distinct("user id"), sum(a\\)b),count(user.id)')).toEqual([
    { name: 'count', field: null, text: 'count()' },
    { name: 'percentile', percentile: 99.9, field: 'duration', text: 'p99.9(duration)' },
    { name: 'count_distinct', field: 'user id', text: 'count_distinct("user id")' },
    { name: 'sum', field: 'a)b', text: 'sum("a)b")' },
    { name: 'count', field: 'user.id', text: 'count(user.id)' },
  ])
})

test('a function that stands twice is computed once', () => {
  expect(parseStats('p50(d),p50("d"), p50( d )')).toHaveLength(1)
})

test.each([
  ['', 0, 'count, count_distinct, sum'],
  ['count(),', 8, 'count, count_distinct, sum'],
  ['count() sum(d)', 8, 'a comma or the end'],
  ['median(d)', 0, 'count, count_distinct, sum'],
  ['count', 5, '( after count'],
  ['sum()', 4, 'a field'],
  ['count(), avg( )', 14, 'a field'],
  ['sum(d', 5, ') after the field'],
  ['sum(d e)', 6, ') after the field'],
  ['sum("d)', 7, 'a closing quote'],
  ['p0(d)', 0, 'a percentile above p0 and below p100'],
  ['p100(d)', 0, 'a percentile above p0 and below p100'],
  ['p-5(d)', 0, 'a percentile above p0 and below p100'],
  ['p99.999(d)', 0, 'a percentile above p0 and below p100'],
  ['count(), sum(message)', 13, 'a field of numbers for sum'],
  ['p50(timestamp)', 4, 'a field of numbers for p50'],
  ['avg(level)', 4, 'a field of numbers for avg'],
  ['min(source)', 4, 'a field of numbers for min'],
])('%j is refused at %i', (text, position, expected) => {
  const error = errorOf(text)
  expect(error?.position).toBe(position)
  expect(error?.expected).toContain(expected)
})

test('there are at most so many functions', () => {
  const many = Array.from({ length: statsFunctionsMax + 1 }, (_, i) => `sum(f${i})`)
  expect(parseStats(many.slice(1).join())).toHaveLength(statsFunctionsMax)
  expect(errorOf(many.join())?.expected).toBe(`at most ${statsFunctionsMax} functions`)
})

test('any text is read or refused, and what is read reads again from its canonical text', () => {
  const part = fc.oneof(
    fc.constantFrom('count', 'sum(', 'p99', '(', ')', ',', '"', '\\', 'd', ' ', 'min(a)', 'count()'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      try {
        const functions = parseStats(parts.join(''))
        expect(parseStats(functions.map(({ text }) => text).join(', '))).toEqual(functions)
      } catch (error) {
        if (!(error instanceof QueryError)) throw error
      }
    }),
    { numRuns: runs(1000) },
  )
})

function errorOf(text: string): QueryError | undefined {
  try {
    parseStats(text)
    return undefined
  } catch (error) {
    if (error instanceof QueryError) return error
    throw error
  }
}
