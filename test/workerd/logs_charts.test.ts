import { expect, test } from 'vitest'
import { severities } from '../../src/core/severity.ts'
import { accessRows, row } from '../support/rows.ts'
import { createWorld } from '../support/world.ts'
import { read, storeRows } from './log_store.ts'

interface HistogramBody {
  from: string | null
  to: string | null
  interval_ms: number
  count: number
  buckets: { start: string; count: number; severities: Record<string, number> }[]
  partial: boolean
}

interface FacetsBody {
  facets: { field: string; count: number; values: { value: string; count: number }[]; truncated: boolean }[]
}

const rows = accessRows(2000)

test('a histogram counts as counting by hand does, empty buckets included', async () => {
  const world = await createWorld()
  await storeRows(world, rows.slice(0, 900))
  await storeRows(world, rows.slice(900), 'apac')
  await storeRows(world, [row({ timestampMs: (rows.at(-1)?.timestampMs ?? 0) + 20_000, severity: 5 })])
  const all = [...rows, row({ timestampMs: (rows.at(-1)?.timestampMs ?? 0) + 20_000, severity: 5 })]
  for (const q of ['', 'status:502', 'level:critical OR products']) {
    const matching = all.filter(
      (one) => q === '' || (q === 'status:502' ? one.message.endsWith('502') : one.severity === 5 || one.message.includes('products')),
    )
    const body = await read<HistogramBody>(world, '/histogram', { q, interval: '1s' })
    expect(body).toMatchObject({ count: matching.length, interval_ms: 1000, partial: false })
    const byHand = body.buckets.map(({ start }) => {
      const inBucket = matching.filter(({ timestampMs }) => timestampMs >= Date.parse(start) && timestampMs < Date.parse(start) + 1000)
      const counts = severities.map((name, i) => [name, inBucket.filter(({ severity }) => severity === i).length])
      return { start, count: inBucket.length, severities: Object.fromEntries(counts) as Record<string, number> }
    })
    expect(body.buckets).toEqual(byHand)
    expect(body.buckets.some(({ count }) => count === 0)).toBe(true)
  }
})

test('without interval and range a histogram takes about sixty buckets over the data', async () => {
  const world = await createWorld()
  await storeRows(world, rows)
  const body = await read<HistogramBody>(world, '/histogram')
  expect(body.buckets.length).toBeGreaterThan(20)
  expect(body.buckets.length).toBeLessThan(70)
  expect(body).toMatchObject({ count: 2000, from: new Date(rows[0]?.timestampMs ?? 0).toISOString() })
})

test('a histogram keeps within the range that is given', async () => {
  const world = await createWorld()
  await storeRows(world, rows)
  const from = (rows[0]?.timestampMs ?? 0) + 1500
  const to = from + 5000
  const body = await read<HistogramBody>(world, '/histogram', {
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    interval: '2s',
  })
  expect(body.count).toBe(rows.filter(({ timestampMs }) => timestampMs >= from && timestampMs < to).length)
  expect(body.buckets).toHaveLength(3)
})

test('facets count the values of each field over all regions', async () => {
  const world = await createWorld()
  await storeRows(world, rows.slice(0, 1200))
  await storeRows(world, rows.slice(1200), 'enam')
  const { facets } = await read<FacetsBody>(world, '/facets', { fields: 'source,severity,status,cached,missing', q: 'GET' })
  const byHand = (valueOf: (one: (typeof rows)[number]) => string) =>
    [...Map.groupBy(rows, valueOf)]
      .map(([value, group]) => ({ value, count: group.length }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
  const attribute = (name: string) => (one: (typeof rows)[number]) => String(one.values[one.names.indexOf(name)])
  expect(facets.map(({ field }) => field)).toEqual(['source', 'severity', 'status', 'cached', 'missing'])
  expect(facets[0]).toEqual({ field: 'source', count: 2000, truncated: false, values: byHand(({ source }) => source) })
  expect(facets[1]?.values).toEqual(byHand(({ severity }) => severities[severity] ?? ''))
  expect(facets[2]?.values).toEqual(byHand(attribute('status')))
  expect(facets[3]?.values).toEqual(byHand(attribute('cached')))
  expect(facets[4]).toMatchObject({ count: 0, values: [] })
})
