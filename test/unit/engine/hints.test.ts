import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { queryHints } from '../../../src/engine/query/hints.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { QueryError } from '../../../src/engine/query/query_error.ts'
import { runs } from '../../support/effort.ts'

const suggestionsFor = (q: string) => queryHints(q).map(({ suggestion }) => suggestion)

describe('a condition as other query languages write it', () => {
  test.each<[string, string[]]>([
    ['status>=500', ['status:>=500']],
    ['status<500', ['status:<500']],
    ['bytes>1e6', ['bytes:>1e6']],
    ['severity=error', ['severity:error']],
    ['level>=warning', ['level:>=warning']],
    ['level!=info', ['-level:info']],
    ['status==404', ['status:404']],
    ['user.id=7 -k8s/pod=web-1', ['user.id:7', 'k8s/pod:web-1']],
    ["source='api'", ['source:"api"']],
    ['{app="web"}', ['app:"web"']],
    ['{app="web api",level!="info"} timeout', ['app:"web api"', '-level:"info"']],
    ['{app=~"web.*"}', ['app:~"web.*"']],
    ['app!~"web|api"', ['-app:~"web|api"']],
    ['timestamp>=2026-11-22T07:00:00Z', ['timestamp:>=2026-11-22T07:00:00Z']],
    ['url=http://a/b', ['url:http://a/b']],
    ['(a=1 OR b=2) c=3', ['a:1', 'b:2', 'c:3']],
    ['größe>3', ['größe:>3']],
  ])('%s is hinted at', (q, suggestions) => expect(suggestionsFor(q)).toEqual(suggestions))

  test.each([
    'status:>=500',
    'level:error',
    'url:"http://a/?b=c"',
    'url:http://a/?b=c',
    'cmd:(a=1 OR b>2)',
    '"status>=500"',
    'a:>=5',
    'ptr->next',
    'a=>b',
    'x->5',
    'List<String>',
    'YWJjZA==',
    'a=',
    'a= b',
    'GET /a?b=c',
    '/a?b=c',
    'took>500ms',
    'severity>=unheard',
    "a='b c'",
    'app=~"("',
    '1=1',
    'web-17',
    '',
  ])('%s is not', (q) => expect(suggestionsFor(q)).toEqual([]))
})

test('a hint says where the word stands and what it is taken for, and the word is still looked for', () => {
  const q = 'timeout -status>=500'
  expect(queryHints(q)).toEqual([
    {
      position: 9,
      message: 'status>=500 is looked for as text. For a condition on the field write status:>=500',
      suggestion: 'status:>=500',
    },
  ])
  expect(parseQuery('status>=500')).toEqual({ kind: 'phrase', field: null, text: 'status>=500' })
  expect(parseQuery('level=error')).toEqual({ kind: 'phrase', field: null, text: 'level=error' })
})

test('there are at most eight hints', () => {
  expect(queryHints('a=1 '.repeat(100))).toHaveLength(8)
})

test('whatever the query, a suggestion is one of this language that needs no hint, and what is no query throws as it does in parsing', () => {
  const part = fc.constantFrom(
    'a',
    'status',
    'level',
    '=',
    '!=',
    '>=',
    '<',
    '~',
    '5',
    'error',
    '"',
    "'",
    ' ',
    '{',
    '}',
    ',',
    ':',
    '(',
    ')',
    '-',
    '\\',
    '*',
    'OR',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
      const q = parts.join('')
      const error = errorOf(() => parseQuery(q))
      expect(errorOf(() => queryHints(q))).toBe(error)
      for (const suggestion of error === undefined ? suggestionsFor(q) : []) {
        expect(parseQuery(suggestion).kind).not.toBe('all')
        expect(suggestionsFor(suggestion)).toEqual([])
      }
    }),
    { numRuns: runs(2000) },
  )
})

function errorOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof QueryError) return error.message
    throw error
  }
}
