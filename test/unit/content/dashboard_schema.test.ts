import { describe, expect, it } from 'vitest'
import { dashboardPanelsMax } from '../../../src/core/limits.ts'
import { dashboardBodies } from '../../../src/features/dashboards/schema.ts'
import { queryChecks } from '../../../src/search/query_checks.ts'
import { issuesOf } from './issues.ts'

const { create, update } = dashboardBodies(queryChecks)
const layout = { x: 0, y: 0, w: 4, h: 4 }
const place = (i: number) => ({ x: (i % 3) * 4, y: Math.floor(i / 3) * 4, w: 4, h: 4 })
const number = (i: number, more: object = {}) => ({ id: `p${i}`, title: `P ${i}`, kind: 'number', layout: place(i), ...more })
const withPanels = (...panels: object[]) => ({ name: 'x', definition: { panels } })

describe('a dashboard', () => {
  it('has all its parts once it is read, and the same when that is sent again', () => {
    const common = { title: 'T', q: '' }
    const panels = [
      { ...common, id: 'a', kind: 'time_series', stats: null, by: [], interval: null, limit: 10, layout: place(0) },
      { ...common, id: 'b', kind: 'table', stats: 'count()', by: ['source'], ordering: null, limit: 50, layout: place(1) },
      { ...common, id: 'c', kind: 'top_values', field: 'path', limit: 10, layout: place(2) },
      { ...common, id: 'd', kind: 'number', stats: 'count()', layout: place(3) },
      { ...common, id: 'e', kind: 'log_list', columns: [], order: 'newest', limit: 20, layout: place(4) },
    ]
    const short = [
      { id: 'a', title: ' T ', kind: 'time_series', layout: place(0) },
      { id: 'b', title: 'T', kind: 'table', by: ['source'], layout: place(1) },
      { id: 'c', title: 'T', kind: 'top_values', field: 'path', layout: place(2) },
      { id: 'd', title: 'T', kind: 'number', layout: place(3) },
      { id: 'e', title: 'T', kind: 'log_list', layout: place(4) },
    ]
    const whole = { name: 'x', definition: { description: '', from: 'now-1h', to: 'now', panels } }
    expect(create.parse(withPanels(...short))).toEqual(whole)
    expect(create.parse(whole)).toEqual(whole)
  })

  it('names every panel whose query is wrong, and where in it', () => {
    const issues = issuesOf(create, withPanels(number(0, { q: 'a (' }), number(1), number(2, { q: 'status:>=' })))
    expect(issues.map(({ path }) => path)).toEqual(['definition.panels.0.q', 'definition.panels.2.q'])
    expect(issues[0]?.message).toMatch(/^At character 4: expected /)
    expect(issues[1]?.message).toMatch(/^At character 10: expected /)
  })

  const timeSeries = { id: 'a', title: 'T', kind: 'time_series', layout }
  const table = { id: 'a', title: 'T', kind: 'table', by: ['source'], layout }
  it.each<[string, object, string, RegExp]>([
    ['a kind that there is not', number(0, { kind: 'pie' }), 'panels.0.kind', /./],
    ['a parameter of another kind', number(0, { columns: [] }), 'panels.0', /columns/],
    ['statistics that cannot be read', { ...timeSeries, stats: 'p101(x)' }, 'panels.0.stats', /percentile/],
    ['two numbers in one', number(0, { stats: 'count(), max(x)' }), 'panels.0.stats', /one function/],
    ['no function', number(0, { stats: '' }), 'panels.0.stats', /At character 1/],
    ['groups without statistics', { ...timeSeries, by: ['source'] }, 'panels.0.by', /needs stats/],
    ['an interval without a unit', { ...timeSeries, interval: '5' }, 'panels.0.interval', /unit/],
    ['a table without groups', { ...table, by: [] }, 'panels.0.by', /at least one/],
    ['a table with too many groups', { ...table, by: ['a', 'b', 'c', 'd', 'e'] }, 'panels.0.by', /at most 4/],
    ['an ordering by what it has not', { ...table, ordering: '-max(x)' }, 'panels.0.ordering', /count\(\)/],
    ['more rows than there may be', { ...table, limit: 201 }, 'panels.0.limit', /at most 200/],
    ['half a row', { ...table, limit: 1.5 }, 'panels.0.limit', /./],
    ['an id with a blank', number(0, { id: 'a b' }), 'panels.0.id', /letters/],
    ['no title', number(0, { title: '' }), 'panels.0.title', /empty/],
    ['a panel beyond the last column', number(0, { layout: { x: 9, y: 0, w: 4, h: 1 } }), 'panels.0.layout', /12 columns/],
    ['a panel without width', number(0, { layout: { ...layout, w: 0 } }), 'panels.0.layout.w', /at least 1/],
    ['a panel in no place', number(0, { layout: { ...layout, x: -1 } }), 'panels.0.layout.x', /at least 0/],
  ])('is refused with %s', (_, panel, path, message) => {
    const issues = issuesOf(create, withPanels(panel))
    expect(issues.map((issue) => issue.path)).toEqual([`definition.${path}`])
    expect(issues[0]?.message).toMatch(message)
  })

  it('has no two panels of one id, and none that lies on another', () => {
    const issues = issuesOf(create, withPanels(number(0), number(1, { id: 'p0' }), number(2, { layout: { x: 3, y: 3, w: 2, h: 1 } })))
    expect(issues).toEqual([
      { path: 'definition.panels.1.id', message: 'must be another than those of the panels before' },
      { path: 'definition.panels.2.layout', message: 'must not lie on the panel p0' },
    ])
    expect(issuesOf(create, withPanels(number(0), number(1), number(3), number(4)))).toEqual([])
  })

  it('has so many panels and no more', () => {
    const panels = Array.from({ length: dashboardPanelsMax }, (_, i) => number(i))
    expect(issuesOf(create, withPanels(...panels))).toEqual([])
    expect(issuesOf(create, withPanels(...panels, number(panels.length)))[0]?.path).toBe('definition.panels')
  })

  it.each<[object, string]>([
    [{ from: '' }, 'definition.from'],
    [{ from: 'soon' }, 'definition.from'],
    [{ from: 'now', to: 'now-1d' }, 'definition.from'],
    [{ to: 'tomorrow' }, 'definition.to'],
    [{ description: 'a\u0000b' }, 'definition.description'],
  ])('is refused with %j', (definition, path) => {
    expect(issuesOf(create, { name: 'x', definition }).map((issue) => issue.path)).toContain(path)
  })

  it('is changed by at least one part', () => {
    expect(update.parse({ name: 'y' })).toEqual({ name: 'y' })
    expect(issuesOf(update, {})).toEqual([{ path: '', message: 'must name at least one field' }])
  })
})
