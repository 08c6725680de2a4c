import { describe, expect, it } from 'vitest'
import type { MeterTotals } from '../../../src/core/cost_meter.ts'
import { costKinds } from '../../../src/core/costs.ts'
import { renderMetrics } from '../../../src/features/metrics/exposition.ts'
import { metricFamilies } from '../../../src/features/metrics/families.ts'
import { routes } from '../../../src/routes.ts'
import { parseExposition } from '../../support/exposition.ts'

const all = Object.fromEntries(costKinds.map((kind, i) => [kind, i + 1]))
const totals: MeterTotals = {
  sinceMs: 1_700_000_000_500,
  operations: {
    'logs.create': { worker_requests: 2000, do_requests: 2000, do_rows_written: 1500, logs_stored: 1e6 },
    shard: { do_rows_written: 500, r2_class_a: 20 },
    'logs.search': all,
    'odd "name" \\ with\nline end': { kv_reads: 1 },
  },
  stored: { shards: 3, rows: 4, hotBytes: 1e9, segments: 5, segmentBytes: 2e9 },
}

describe('the metrics of a deployment', () => {
  const samples = parseExposition(renderMetrics(metricFamilies(totals)))
  const value = (name: string, labels: Record<string, string> = {}) =>
    samples.find((sample) => sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text))?.value

  it('show every kind of cost of every operation as it is', () => {
    expect(value('edgelog_r2_operations_total', { operation: 'logs.search', class: 'b' })).toBe(all['r2_class_b'])
    expect(value('edgelog_durable_object_rows_total', { operation: 'logs.create', direction: 'written' })).toBe(1500)
    expect(value('edgelog_kv_operations_total', { operation: 'odd "name" \\ with\nline end' })).toBe(1)
    const counted = samples.filter(({ name, labels }) => labels['operation'] === 'logs.search' && name.endsWith('_total'))
    // Each kind once, and the dollars.
    expect(counted).toHaveLength(costKinds.length + 1)
  })

  it('price a million logs with all that storing them takes', () => {
    const dollars = (2000 * (0.3 + 0.15) + 2000 * 1 + 20 * 4.5) / 1e6
    expect(value('edgelog_cost_dollars_per_million_logs')).toBeCloseTo(dollars, 10)
  })

  it('price a query, and a month of what is stored', () => {
    const dollars = value('edgelog_cost_dollars_total', { operation: 'logs.search' })
    expect(value('edgelog_cost_dollars_per_query', { operation: 'logs.search' })).toBeCloseTo(dollars! / all['worker_requests']!, 12)
    expect(value('edgelog_cost_dollars_per_query', { operation: 'logs.create' })).toBeUndefined()
    expect(value('edgelog_storage_dollars_per_month')).toBeCloseTo(0.2 + 0.03, 10)
  })

  it('price queries of every route that reads logs', () => {
    const reading = routes.filter(({ spec }) => spec.access === 'logs:read').map(({ spec }) => spec.id)
    const operations = Object.fromEntries(routes.map(({ spec }) => [spec.id, { worker_requests: 1 }]))
    const priced = metricFamilies({ ...totals, operations }).find(({ name }) => name === 'edgelog_cost_dollars_per_query')
    // These need the same right, and look at no log.
    const others = ['logs.usage', 'logs.tail_ticket', 'retention.get']
    expect(priced?.samples.map(({ labels }) => labels['operation']).toSorted()).toEqual(
      reading.filter((id) => !others.includes(id)).toSorted(),
    )
  })

  it('say nothing of averages while there is nothing to average', () => {
    const empty = parseExposition(renderMetrics(metricFamilies({ ...totals, operations: {} })))
    expect(empty.some(({ name }) => name.startsWith('edgelog_cost'))).toBe(false)
    expect(empty.filter(({ value }) => !Number.isFinite(value))).toEqual([])
    expect(empty).not.toEqual([])
  })
})

describe('the exposition format', () => {
  const family = { type: 'gauge', help: 'x', samples: [] } as const

  it.each(['with-dash', '1st', '', 'ünicode'])('refuses the name "%s"', (name) => {
    expect(() => renderMetrics([{ ...family, name }])).toThrow('no name of a metric')
  })

  it('names counters, and nothing else, _total', () => {
    expect(() => renderMetrics([{ ...family, name: 'a_total' }])).toThrow('_total')
    expect(() => renderMetrics([{ ...family, type: 'counter', name: 'a' }])).toThrow('_total')
  })

  it('writes numbers and escapes as scrapers read them', () => {
    const samples = [Infinity, -Infinity, 1e-9, 0.5].map((value, i) => ({ labels: { i: `${i}` }, value }))
    expect(renderMetrics([{ ...family, name: 'a', help: 'back\\slash\nline', samples }])).toBe(
      '# HELP a back\\\\slash\\nline\n# TYPE a gauge\na{i="0"} +Inf\na{i="1"} -Inf\na{i="2"} 1e-9\na{i="3"} 0.5\n',
    )
  })
})
