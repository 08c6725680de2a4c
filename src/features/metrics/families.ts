import type { MeterTotals } from '../../core/cost_meter.ts'
import { addCosts, costKinds } from '../../core/costs.ts'
import type { CostKind, CostReport, Costs } from '../../core/costs.ts'
import { dollarsOf, prices, pricesDate, storageDollarsPerMonth } from '../../core/prices.ts'
import { version } from '../../core/version.ts'
import type { MetricFamily, Sample } from './exposition.ts'

/** Where each kind of cost is shown. Kinds with one name and other labels stand next to each other. */
const counters: Record<CostKind, { name: string; help: string; labels?: Record<string, string> }> = {
  worker_requests: { name: 'edgelog_worker_requests_total', help: 'Requests that the Worker answered.' },
  d1_statements: { name: 'edgelog_d1_statements_total', help: 'Statements that D1 ran; not billed as such.' },
  d1_rows_read: { name: 'edgelog_d1_rows_total', help: 'Rows that D1 read and wrote.', labels: { direction: 'read' } },
  d1_rows_written: { name: 'edgelog_d1_rows_total', help: '', labels: { direction: 'written' } },
  r2_class_a: { name: 'edgelog_r2_operations_total', help: 'Calls of R2 by billing class; deletes are free.', labels: { class: 'a' } },
  r2_class_b: { name: 'edgelog_r2_operations_total', help: '', labels: { class: 'b' } },
  r2_deletes: { name: 'edgelog_r2_operations_total', help: '', labels: { class: 'free' } },
  r2_bytes_read: { name: 'edgelog_r2_bytes_total', help: 'Bytes read from and written to R2; not billed.', labels: { direction: 'read' } },
  r2_bytes_written: { name: 'edgelog_r2_bytes_total', help: '', labels: { direction: 'written' } },
  kv_reads: { name: 'edgelog_kv_operations_total', help: 'Keys that KV read, wrote and deleted, and its lists.', labels: { type: 'read' } },
  kv_writes: { name: 'edgelog_kv_operations_total', help: '', labels: { type: 'write' } },
  kv_deletes: { name: 'edgelog_kv_operations_total', help: '', labels: { type: 'delete' } },
  kv_lists: { name: 'edgelog_kv_operations_total', help: '', labels: { type: 'list' } },
  queue_operations: { name: 'edgelog_queue_operations_total', help: 'Writes, reads and deletes of queue messages, for each 64 KB.' },
  do_requests: { name: 'edgelog_durable_object_requests_total', help: 'Calls and alarms of Durable Objects.' },
  do_rows_read: {
    name: 'edgelog_durable_object_rows_total',
    help: 'Rows that Durable Objects read and wrote.',
    labels: { direction: 'read' },
  },
  do_rows_written: { name: 'edgelog_durable_object_rows_total', help: '', labels: { direction: 'written' } },
  logs_stored: { name: 'edgelog_logs_stored_total', help: 'Logs that were acknowledged.' },
}

/** What storing logs takes: the request with what the shard spends on it, and what the shard does later with what it holds. */
const ingestOperations = ['logs.create', 'shard']

const queryOperations = /^logs\.(?:list|search|search_by_post|get|histogram|facets|fields|stats|context|patterns|export)$/

/** All that /metrics shows. */
export function metricFamilies(totals: MeterTotals): MetricFamily[] {
  return [...counterFamilies(totals.operations), ...dollarFamilies(totals), ...storedFamilies(totals), ...constantFamilies(totals)]
}

function counterFamilies(operations: CostReport): MetricFamily[] {
  return [...Map.groupBy(costKinds, (kind) => counters[kind].name)].map(([name, kinds]) => ({
    name,
    type: 'counter' as const,
    help: kinds.map((kind) => counters[kind].help).join(''),
    samples: kinds.flatMap((kind) => samplesOf(operations, (costs) => costs[kind], counters[kind].labels)),
  }))
}

function dollarFamilies({ operations }: MeterTotals): MetricFamily[] {
  const ingest: Costs = {}
  for (const name of ingestOperations) addCosts(ingest, operations[name] ?? {})
  const queries = Object.fromEntries(Object.entries(operations).filter(([name]) => queryOperations.test(name)))
  return [
    {
      name: 'edgelog_cost_dollars_total',
      type: 'counter',
      help: 'US dollars of what was counted, by the prices of edgelog_prices_info; CPU time and time awake of objects are not in it.',
      samples: samplesOf(operations, dollarsOf),
    },
    {
      name: 'edgelog_cost_dollars_per_million_logs',
      type: 'gauge',
      help: 'US dollars of storing a million logs, sealing included, on average since counting began.',
      samples: ratio(dollarsOf(ingest) * 1e6, ingest.logs_stored),
    },
    {
      name: 'edgelog_cost_dollars_per_query',
      type: 'gauge',
      help: 'US dollars of one query on average since counting began.',
      samples: samplesOf(queries, (costs) => ratio(dollarsOf(costs), costs.worker_requests)[0]?.value),
    },
  ]
}

function storedFamilies({ stored }: MeterTotals): MetricFamily[] {
  const gauge = (name: string, help: string, samples: Sample[]): MetricFamily => ({ name, type: 'gauge', help, samples })
  const bytes = [
    { labels: { storage: 'durable_object' }, value: stored.hotBytes },
    { labels: { storage: 'r2' }, value: stored.segmentBytes },
  ]
  return [
    gauge('edgelog_stored_logs', 'Logs that all shards hold, as they last reported.', [{ labels: {}, value: stored.rows }]),
    gauge('edgelog_stored_bytes', 'Bytes that they take.', bytes),
    gauge('edgelog_stored_segments', 'Sealed segments in R2.', [{ labels: {}, value: stored.segments }]),
    gauge('edgelog_shards', 'Shards that have reported.', [{ labels: {}, value: stored.shards }]),
    gauge('edgelog_storage_dollars_per_month', 'US dollars of keeping the stored bytes for a month.', [
      { labels: {}, value: storageDollarsPerMonth(stored) },
    ]),
  ]
}

function constantFamilies({ sinceMs }: MeterTotals): MetricFamily[] {
  const priceSamples = Object.entries(prices).map(([name, { dollars, per, unit, page }]) => ({
    labels: { item: name, unit, page },
    value: dollars / per,
  }))
  return [
    { name: 'edgelog_price_dollars', type: 'gauge', help: 'US dollars of one unit.', samples: priceSamples },
    { name: 'edgelog_prices_info', type: 'gauge', help: 'Day of the price table.', samples: [{ labels: { date: pricesDate }, value: 1 }] },
    { name: 'edgelog_build_info', type: 'gauge', help: 'Version that answers.', samples: [{ labels: { version }, value: 1 }] },
    {
      name: 'edgelog_meter_start_time_seconds',
      type: 'gauge',
      help: 'When counting began, in Unix time.',
      samples: [{ labels: {}, value: sinceMs / 1000 }],
    },
  ]
}

/** One sample for each operation that has the figure. */
function samplesOf(operations: CostReport, figure: (costs: Costs) => number | undefined, labels: Record<string, string> = {}): Sample[] {
  return Object.entries(operations).flatMap(([operation, costs]) => {
    const value = figure(costs)
    return value === undefined ? [] : [{ labels: { operation, ...labels }, value }]
  })
}

/** None when there is nothing to divide by: a scraper would take NaN for a value. */
function ratio(amount: number, by: number | undefined): Sample[] {
  return by === undefined || by === 0 ? [] : [{ labels: {}, value: amount / by }]
}
