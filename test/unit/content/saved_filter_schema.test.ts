import { describe, expect, it } from 'vitest'
import { savedFilterBytesMax, savedFilterSourcesMax } from '../../../src/core/limits.ts'
import { savedFilterBodies } from '../../../src/features/saved-filters/schema.ts'
import { queryChecks } from '../../../src/search/query_checks.ts'
import { issuesOf } from './issues.ts'

const { create, update } = savedFilterBodies(queryChecks)
const good = { q: 'status:>=500', severity: ['ERROR'], source: ['api'], from: 'now-1h', to: 'now', columns: ['status', 'path'] }
const withDefinition = (definition: object) => ({ name: 'x', definition })

describe('a filter that is to be kept', () => {
  it('has all its parts once it is read, those that were left out with their defaults', () => {
    expect(create.parse({ name: ' Slow ', definition: {} })).toEqual({
      name: 'Slow',
      shared: false,
      definition: { q: '', search: '', severity: [], source: [], from: null, to: null, order: 'newest', columns: [] },
    })
    expect(create.parse({ name: 'x', definition: good, shared: true }).definition).toEqual({ ...good, search: '', order: 'newest' })
  })

  it.each<[string, object, string, RegExp]>([
    ['a query with an error', withDefinition({ q: 'a status:>=' }), 'definition.q', /^At character 12: expected .+, found/],
    ['a parenthesis too many', withDefinition({ q: '(a OR b))' }), 'definition.q', /^At character 9: /],
    ['a bound that is no time', withDefinition({ from: 'yesterday' }), 'definition.from', /RFC 3339/],
    ['bounds that are the wrong way round', withDefinition({ from: 'now', to: 'now-1h' }), 'definition.from', /later/],
    ['dates that are the wrong way round', withDefinition({ from: '2026-02-02', to: '2026-01-01' }), 'definition.from', /later/],
    ['a severity that there is not', withDefinition({ severity: ['LOUD'] }), 'definition.severity.0', /one of/],
    ['an order that there is not', withDefinition({ order: 'best' }), 'definition.order', /newest/],
    ['a column without a name', withDefinition({ columns: [''] }), 'definition.columns.0', /empty/],
    ['too many sources', withDefinition({ source: Array(savedFilterSourcesMax + 1).fill('a') }), 'definition.source', /at most 50/],
    ['conditions that are too many together', withDefinition({ search: 'a '.repeat(300) }), 'definition', /at most 256/],
    [
      'a definition that is too long',
      withDefinition({ columns: Array(40).fill('é'.repeat(120)) }),
      'definition',
      new RegExp(`${savedFilterBytesMax} bytes`),
    ],
    ['a part that nobody knows', withDefinition({ cursor: 'x' }), 'definition', /cursor/],
    ['an owner of its own', { name: 'x', definition: {}, owner_id: 'me' }, '', /owner_id/],
    ['no definition', { name: 'x' }, 'definition', /required/],
    ['a name of blanks', { name: '  ', definition: {} }, 'name', /empty/],
  ])('is refused with %s', (_, json, path, message) => {
    const issues = issuesOf(create, json)
    expect(issues.map((issue) => issue.path)).toContain(path)
    expect(issues.find((issue) => issue.path === path)?.message).toMatch(message)
  })

  it('may end at a moment that depends on the time of day', () => {
    expect(issuesOf(create, withDefinition({ from: '2026-02-02', to: 'now-1h' }))).toEqual([])
  })

  it('is changed by at least one part', () => {
    expect(update.parse({ shared: true })).toEqual({ shared: true })
    expect(issuesOf(update, {})).toEqual([{ path: '', message: 'must name at least one field' }])
    expect(issuesOf(update, { definition: { q: '(' } })[0]?.path).toBe('definition.q')
  })
})
