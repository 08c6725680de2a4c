import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { globWildcardsMax, queryBytesMax, queryDepthMax, queryTermsMax } from '../../../src/core/limits.ts'
import type { Filter } from '../../../src/engine/query/ast.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { QueryError } from '../../../src/engine/query/query_error.ts'
import { runs } from '../../support/effort.ts'

const message = { system: 'message' } as const
const status = { attribute: 'status' } as const
const word = (text: string, field: Extract<Filter, { kind: 'phrase' }>['field'] = null): Filter => ({ kind: 'phrase', field, text })
const not = (filter: Filter): Filter => ({ kind: 'not', filter })
const and = (...filters: Filter[]): Filter => ({ kind: 'and', filters })
const or = (...filters: Filter[]): Filter => ({ kind: 'or', filters })
const severity = (...indexes: number[]): Filter => ({ kind: 'severity', mask: indexes.reduce((mask, i) => mask | (1 << i), 0) })

function errorOf(text: string): QueryError {
  try {
    parseQuery(text)
  } catch (error) {
    if (error instanceof QueryError) return error
    throw error
  }
  throw new Error(`${text} parses`)
}

describe('what queries mean', () => {
  test.each<[string, Filter]>([
    ['', { kind: 'all' }],
    [' \n ', { kind: 'all' }],
    ['*', { kind: 'all' }],
    ['reset', word('reset')],
    ['connection reset', and(word('connection'), word('reset'))],
    ['connection AND reset', and(word('connection'), word('reset'))],
    ['"connection reset by peer"', word('connection reset by peer')],
    ['a b OR c d', or(and(word('a'), word('b')), and(word('c'), word('d')))],
    ['a (b OR c)', and(word('a'), or(word('b'), word('c')))],
    ['a NOT b', and(word('a'), not(word('b')))],
    ['-a !b', and(not(word('a')), not(word('b')))],
    ['NOT NOT a', word('a')],
    ['-(a OR b)', not(or(word('a'), word('b')))],
    ['and or not', and(word('and'), word('or'), word('not'))],
    ['"AND"', word('AND')],
    ['ANDROID', word('ANDROID')],
    ['web-17', word('web-17')],
    ['[REDACTED]', word('[REDACTED]')],
    ['a"b c"d', and(word('a'), word('b c'), word('d'))],
  ])('%s', (text, filter) => expect(parseQuery(text)).toEqual(filter))

  test.each<[string, Filter]>([
    ['message:reset', word('reset', message)],
    ['source:api', word('api', { system: 'source' })],
    ['service:api', word('api', { system: 'source' })],
    ['msg:x', word('x', { attribute: 'msg' })],
    ['user.id:7', word('7', { attribute: 'user.id' })],
    ['attributes.message:x', word('x', { attribute: 'message' })],
    ['"odd name":x', word('x', { attribute: 'odd name' })],
    ['odd\\ name:x', word('x', { attribute: 'odd name' })],
    ['url:http://a:80/b', word('http://a:80/b', { attribute: 'url' })],
    ['delta:-5', word('-5', { attribute: 'delta' })],
    ['status:(404 OR -500)', or(word('404', status), not(word('500', status)))],
    [
      'status:(>=400 <500)',
      and(
        { kind: 'compare', field: status, min: { value: 400, inclusive: true } },
        { kind: 'compare', field: status, max: { value: 500, inclusive: false } },
      ),
    ],
    ['message:(a:b)', word('a:b', message)],
    ['-user_id:*', not({ kind: 'exists', field: { attribute: 'user_id' } })],
    ['trace_id:=aB*', { kind: 'exact', field: { attribute: 'trace_id' }, text: 'aB*' }],
    ['trace_id:=""', { kind: 'exact', field: { attribute: 'trace_id' }, text: '' }],
    ['source:in(api, "web 2",c)', { kind: 'in', field: { system: 'source' }, texts: ['api', 'web 2', 'c'] }],
    ['status:inside', word('inside', status)],
  ])('%s', (text, filter) => expect(parseQuery(text)).toEqual(filter))

  test.each<[string, Filter]>([
    ['timeo*', { kind: 'prefix', field: null, text: 'timeo' }],
    ['path:"/api/*"', { kind: 'glob', field: { attribute: 'path' }, parts: [{ literal: '/api/' }, '*'] }],
    ['"/api/*"', word('/api/*')],
    ['/api/*', { kind: 'glob', field: null, parts: [{ literal: '/api/' }, '*'] }],
    ['web-*', { kind: 'glob', field: null, parts: [{ literal: 'web-' }, '*'] }],
    ['a**?b', { kind: 'glob', field: null, parts: [{ literal: 'a' }, '*', '?', { literal: 'b' }] }],
    ['source:"web*"', { kind: 'glob', field: { system: 'source' }, parts: [{ literal: 'web' }, '*'] }],
    ['what\\?', word('what?')],
    ['message:"100\\*"', word('100*', message)],
    ['"say \\"hi\\" \\\\ \\x41"', word('say "hi" \\ \\x41')],
    ['host:~"web-\\d+"', { kind: 'regex', field: { attribute: 'host' }, pattern: 'web-\\d+' }],
    ['host:~web-\\d+', { kind: 'regex', field: { attribute: 'host' }, pattern: 'web-\\d+' }],
    ['host:~"a \\"b\\" \\\\"', { kind: 'regex', field: { attribute: 'host' }, pattern: 'a "b" \\\\' }],
  ])('%s', (text, filter) => expect(parseQuery(text)).toEqual(filter))

  test.each<[string, Filter]>([
    ['status:>=500', { kind: 'compare', field: status, min: { value: 500, inclusive: true } }],
    ['status:> 500', { kind: 'compare', field: status, min: { value: 500, inclusive: false } }],
    [
      'bytes:[100 TO 5000}',
      { kind: 'compare', field: { attribute: 'bytes' }, min: { value: 100, inclusive: true }, max: { value: 5000, inclusive: false } },
    ],
    ['bytes:{* TO 1.5e3]', { kind: 'compare', field: { attribute: 'bytes' }, max: { value: 1500, inclusive: true } }],
    ['bytes:[* TO *]', { kind: 'exists', field: { attribute: 'bytes' } }],
    ['id:>9007199254740993', { kind: 'compare', field: { attribute: 'id' }, min: { value: 9007199254740993n, inclusive: false } }],
    ['version:<"V2"', { kind: 'compare', field: { attribute: 'version' }, max: { value: 'v2', inclusive: false } }],
    ['level:error', severity(4)],
    ['severity:warn', severity(3)],
    ['level:(err OR fatal)', or(severity(4), severity(5))],
    ['level:>=warning', severity(3, 4, 5)],
    ['level:<debug', severity(0)],
    ['level:[debug TO warning}', severity(1, 2)],
    ['severity:in("warn", ERROR)', severity(3, 4)],
    ['level:*ing', severity(3)],
    ['level:*', severity(0, 1, 2, 3, 4, 5)],
    [
      'timestamp:>=2026-11-22T00:00:00Z',
      { kind: 'time', column: 'timestamp', min: { value: { ms: Date.UTC(2026, 10, 22), ns: 0 }, inclusive: true } },
    ],
    ['updated_at:*', { kind: 'exists', field: { system: 'updated' } }],
  ])('%s', (text, filter) => expect(parseQuery(text)).toEqual(filter))
})

describe('an error says where, and what was expected', () => {
  test.each<[string, number, string]>([
    ['(a OR', 5, 'a word, a quoted phrase or field:value'],
    ['(a', 2, 'a closing parenthesis )'],
    ['a)', 1, 'a term, AND or OR: there is no open parenthesis to close'],
    ['()', 1, 'a word, a quoted phrase or field:value'],
    ['a AND OR b', 6, 'a term (put an operator that is text in quotes)'],
    ['OR a', 0, 'a term (put an operator that is text in quotes)'],
    ['a NOT', 5, 'a word, a quoted phrase or field:value'],
    ['"abc', 4, 'a closing quote "'],
    ['a - b', 3, 'a term right after the sign (put a sign that is text in quotes)'],
    ['status: 500', 7, 'a value right after the colon'],
    ['status:', 7, 'a value right after the colon'],
    [':x', 0, 'a field name before the colon (put text in quotes)'],
    ['sta*:5', 0, 'a field name without wildcards (put text in quotes)'],
    ['>=500', 0, 'a field before this operator, as in status:>=500 (put text in quotes)'],
    ['status:>=', 9, 'a value'],
    ['bytes:[1 5]', 9, 'TO between the two bounds'],
    ['bytes:[1 TO 5', 13, 'a closing bracket ] or }'],
    ['bytes:[1 TO abc]', 12, 'two numbers or two texts as bounds'],
    ['source:in(api', 13, 'a comma or a closing parenthesis )'],
    ['source:in()', 10, 'a value'],
    ['level:loud', 6, 'a severity (TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL)'],
    ['timestamp:>yesterday', 11, 'a time such as 2026-11-22T07:00:00Z'],
    ['host:~"[a"', 6, 'a regular expression in RE2 syntax (missing closing ]: `[a`)'],
    ['message:""', 8, 'text between the quotes (field:="" finds the empty value)'],
  ])('%s', (text, position, expected) => {
    expect(errorOf(text)).toMatchObject({ position, expected })
  })

  test('as a sentence for the person who typed it', () => {
    expect(errorOf('level:loud x').message).toBe(
      'At character 7: expected a severity (TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL), found "loud".',
    )
    expect(errorOf('(a').message).toBe('At character 3: expected a closing parenthesis ), found the end of the query.')
  })
})

describe('limits', () => {
  test('a query has at most 4,096 bytes of UTF-8', () => {
    expect(parseQuery('é'.repeat(queryBytesMax / 2))).toMatchObject({ kind: 'phrase' })
    expect(errorOf('é'.repeat(queryBytesMax / 2) + 'x').expected).toBe('a query of at most 4096 bytes')
  })

  test('parentheses go 32 deep', () => {
    const nested = (depth: number) => '('.repeat(depth) + 'a' + ')'.repeat(depth)
    expect(parseQuery(nested(queryDepthMax))).toEqual(word('a'))
    expect(errorOf(nested(queryDepthMax + 1))).toMatchObject({
      position: queryDepthMax,
      expected: 'at most 32 parentheses within each other',
    })
    expect(errorOf(nested(2000)).position).toBe(queryDepthMax)
  })

  test('a query has at most 256 terms, members of sets included', () => {
    const terms = (count: number) => Array.from({ length: count }, () => 'a')
    expect(parseQuery(terms(queryTermsMax).join(' '))).toMatchObject({ kind: 'and' })
    expect(errorOf(terms(queryTermsMax + 1).join(' '))).toMatchObject({ position: 512, expected: 'at most 256 terms' })
    expect(errorOf(`b:in(${terms(queryTermsMax + 1).join(',')})`).expected).toBe('at most 256 terms')
  })

  test('a pattern has at most 64 single-character wildcards', () => {
    expect(parseQuery(`a:x*${'?'.repeat(globWildcardsMax)}`)).toMatchObject({ kind: 'glob' })
    const error = errorOf(`a:"x*${'?'.repeat(globWildcardsMax + 1)}"`)
    expect(error.position).toBe(2)
    expect(error.expected).toMatch(/^at most 64 wildcards \? in one pattern/)
    expect(parseQuery(`a:${'\\?'.repeat(100)}`)).toMatchObject({ kind: 'phrase' })
  })

  test.each([
    ['host:~"' + 'a'.repeat(600) + '"', 'a regular expression of at most 512 characters'],
    ['host:~"((a{10}){10}){11}"', 'a regular expression in RE2 syntax (invalid repeat count: `{11}`)'],
    ['host:~"(?:' + 'ab'.repeat(200) + '){1000}"', 'fewer or smaller repeat counts in the regular expression'],
    ['host:~"(?:abcd){500}"', 'a smaller regular expression (mind its repeat counts)'],
  ])('a regular expression must be cheap: %#', (text, expected) => expect(errorOf(text).expected).toBe(expected))
})

test('any text parses or is a QueryError within the text, never anything else', () => {
  const signs = ['(', ')', '"', ':', '\\', '*', '?', '-', '!', '~', '=', '>', '<', '[', ']', '{', '}', ',', ' ']
  const words = ['TO', 'AND', 'OR', 'NOT', 'in(', 'a', 'é', '😀', '5', 'level', 'timestamp', 'status', 'message', '\ud800']
  const pieces = fc.array(fc.constantFrom(...signs, ...words), { maxLength: 40 })
  fc.assert(
    fc.property(
      fc.oneof(
        pieces.map((list) => list.join('')),
        fc.string({ unit: 'binary' }),
      ),
      (query) => {
        const position = errorPosition(query)
        expect(position).toBeGreaterThanOrEqual(0)
        expect(position).toBeLessThanOrEqual(query.length)
      },
    ),
    { numRuns: runs(1000) },
  )
})

/** Where it fails; 0 when it parses. Throws whatever is no QueryError. */
function errorPosition(query: string): number {
  try {
    parseQuery(query)
    return 0
  } catch (error) {
    if (error instanceof QueryError) return error.position
    throw error
  }
}
