import { describe, expect, test } from 'vitest'
import { histogramBucketsMax, statsByMax, statsFunctionsMax, statsGroupsMax, statsSketchesPerGroupMax } from '../../src/core/limits.ts'
import type { EncodableRow } from '../../src/engine/row.ts'
import { accessRows, row } from '../support/rows.ts'
import type { World } from '../support/world.ts'
import { createWorld } from '../support/world.ts'
import { read, readRaw, storeHotAndSealed, storeRows } from './log_store.ts'

interface StatsBody {
  by: string[]
  interval_ms: number | null
  functions: { function: string; relative_error?: number; standard_error?: number }[]
  groups: {
    group: (string | null)[]
    values: (number | string | null)[]
    buckets?: { start: string; values: (number | string | null)[] }[]
    complete: boolean
  }[]
  group_count: number
  truncated: boolean
  groups_dropped: boolean
  partial: boolean
  stats: Record<string, number>
}

const rows = accessRows(2000)
const attribute = (one: EncodableRow, name: string) => one.values[one.names.indexOf(name)]
const numberIn = (one: EncodableRow, name: string) => Number(attribute(one, name))
const sumOf = (some: readonly EncodableRow[], name: string) => some.reduce((sum, one) => sum + numberIn(one, name), 0)

let worldOfRefusals: Promise<World> | undefined

describe('GET /logs/stats', () => {
  test('computes groups over hot and sealed logs as counting by hand does', async () => {
    const world = await storeHotAndSealed(await createWorld(), rows.slice(0, 700), rows.slice(700))
    const body = await read<StatsBody>(world, '/stats', {
      stats: 'count(), sum(bytes), min(bytes), max(request_time), count_distinct(path), p50(bytes)',
      by: 'source',
      ordering: '-sum(bytes)',
    })
    expect(body).toMatchObject({
      by: ['source'],
      interval_ms: null,
      group_count: 3,
      truncated: false,
      groups_dropped: false,
      partial: false,
    })
    const byHand = [...Map.groupBy(rows, ({ source }) => source)].sort(([, a], [, b]) => sumOf(b, 'bytes') - sumOf(a, 'bytes'))
    expect(body.groups.map(({ group }) => group)).toEqual(byHand.map(([source]) => [source]))
    for (const [i, [, some]] of byHand.entries()) {
      const sizes = some.map((one) => numberIn(one, 'bytes')).sort((a, b) => a - b)
      const longest = Math.max(...some.map((one) => numberIn(one, 'request_time')))
      const paths = new Set(some.map((one) => attribute(one, 'path'))).size
      expect(body.groups[i]!.values.slice(0, 5)).toEqual([some.length, sumOf(some, 'bytes'), sizes[0], longest, paths])
      expect(Number(body.groups[i]!.values[5]) / sizes[Math.floor(0.5 * (sizes.length - 1))]!).toBeCloseTo(1, 1.69)
      expect(body.groups[i]).not.toHaveProperty('buckets')
    }
    expect(body.functions.slice(4)).toEqual([
      { function: 'count_distinct(path)', standard_error: 0 },
      { function: 'p50(bytes)', relative_error: 0.01 },
    ])
    expect(body.stats['segments_read']).toBe(1)
  })

  test('cuts time into aligned buckets, those without logs left out, and gives the top groups', async () => {
    const world = await storeHotAndSealed(await createWorld(), rows.slice(1000), rows.slice(0, 1000))
    const late = row({ timestampMs: rows.at(-1)!.timestampMs + 60_000, source: 'web' })
    await storeRows(world, [late])
    const body = await read<StatsBody>(world, '/stats', { by: 'source', interval: '5s', limit: 2, ordering: 'count()' })
    const all = [...rows, late]
    const byHand = [...Map.groupBy(all, ({ source }) => source)].sort(([, a], [, b]) => a.length - b.length).slice(0, 2)
    expect(body).toMatchObject({ interval_ms: 5000, group_count: 3, truncated: true, groups_dropped: false })
    expect(body.groups.map(({ group, values }) => [group, values])).toEqual(byHand.map(([source, some]) => [[source], [some.length]]))
    for (const [i, [, some]] of byHand.entries()) {
      const buckets = Map.groupBy(some, ({ timestampMs }) => timestampMs - (timestampMs % 5000))
      const expected = [...buckets]
        .sort(([a], [b]) => a - b)
        .map(([ms, each]) => ({ start: new Date(ms).toISOString(), values: [each.length] }))
      expect(body.groups[i]!.buckets).toEqual(expected)
    }
  })

  test('tells times, severities and big integers as they are elsewhere, and null for what is missing', async () => {
    const world = await createWorld()
    await storeRows(world, [
      row({ timestampMs: 1_795_331_057_193, severity: 5, attributes: { big: 2n ** 60n + 1n } }),
      row({ timestampMs: 1_795_331_057_999, severity: 1, source: '' }),
    ])
    const response = await readRaw(world, '/stats', {
      stats: 'min(timestamp), max(level), max(big), avg(none)',
      by: 'source',
      ordering: 'min(timestamp)',
    })
    const text = await response.text()
    expect(text).toContain(`"values":["2026-11-22T07:04:17.193Z","CRITICAL",${2n ** 60n + 1n},null]`)
    expect(text).toContain('{"group":[null],"values":["2026-11-22T07:04:17.999Z","DEBUG",null,null]')
  })

  test('of no logs at all is one group of nothing', async () => {
    const world = await createWorld()
    expect(await read<StatsBody>(world, '/stats', { stats: 'count(), max(d)', interval: '1h' })).toMatchObject({
      groups: [{ group: [], values: [0, null], buckets: [], complete: true }],
      group_count: 1,
    })
  })

  test.each([
    [{ stats: 'count(),p99(x' }, 'stats', 'At character 14: expected ) after the field'],
    [{ stats: 'median(x)' }, 'stats', 'At character 1: expected count, count_distinct'],
    [{ stats: 'p100(x)' }, 'stats', 'a percentile above p0 and below p100'],
    [{ stats: 'sum(message)' }, 'stats', 'At character 5: expected a field of numbers for sum'],
    [
      { stats: Array.from({ length: statsFunctionsMax + 1 }, (_, i) => `sum(f${i})`).join() },
      'stats',
      `at most ${statsFunctionsMax} functions`,
    ],
    [{ ordering: 'sum(x)' }, 'ordering', 'one of the functions'],
    [{ ordering: '-' }, 'ordering', 'descending: -count()'],
    [{ ordering: '-count' }, 'ordering', 'descending: -count()'],
    [{ ordering: 'p50(x),count()', stats: 'p50(x),count()' }, 'ordering', '(p50(x), count())'],
    [{ by: Array.from({ length: statsByMax + 1 }, (_, i) => `f${i}`).join() }, 'by', `must have at most ${statsByMax} entries`],
    [{ limit: statsGroupsMax + 1 }, 'limit', `at most ${statsGroupsMax}`],
    [{ limit: 0 }, 'limit', 'at least 1'],
    [{ interval: '5 minutes' }, 'interval', 'must be a number with a unit'],
    [{ interval: '1s', from: '2026-11-22', to: '2026-11-22' }, 'interval', `at most ${histogramBucketsMax} are given: narrow from and to`],
    [
      { interval: '1m', stats: 'p50(a),p50(b)', from: '2026-11-22T00:00:00Z', to: '2026-11-22T10:00:00Z' },
      'interval',
      `${statsSketchesPerGroupMax} in all are computed`,
    ],
    [{ q: 'a AND' }, 'q', 'expected'],
    [{ group_by: 'source' }, 'group_by', ''],
  ])('refuses %j', async (query, field, message) => {
    const world = await (worldOfRefusals ??= createWorld())
    const response = await readRaw(world, '/stats', query)
    expect(response.status).toBe(400)
    const { details } = await response.json<{ details: Record<string, string[]> }>()
    expect(details[field]?.join()).toContain(message)
  })
})
