import { addCosts } from '../../src/core/costs.ts'
import type { CostReport, Costs } from '../../src/core/costs.ts'
import { meterFlushMs } from '../../src/core/limits.ts'
import { parseExposition } from '../support/exposition.ts'
import type { BenchWorld } from './world.ts'

/** Where /metrics has each kind of cost; the names of src/features/metrics. */
const kinds: readonly [keyof Costs, name: string, labels: Record<string, string>][] = [
  ['worker_requests', 'edgelog_worker_requests_total', {}],
  ['d1_rows_read', 'edgelog_d1_rows_total', { direction: 'read' }],
  ['d1_rows_written', 'edgelog_d1_rows_total', { direction: 'written' }],
  ['r2_class_a', 'edgelog_r2_operations_total', { class: 'a' }],
  ['r2_class_b', 'edgelog_r2_operations_total', { class: 'b' }],
  ['r2_deletes', 'edgelog_r2_operations_total', { class: 'free' }],
  ['r2_bytes_read', 'edgelog_r2_bytes_total', { direction: 'read' }],
  ['r2_bytes_written', 'edgelog_r2_bytes_total', { direction: 'written' }],
  ['kv_reads', 'edgelog_kv_operations_total', { type: 'read' }],
  ['kv_writes', 'edgelog_kv_operations_total', { type: 'write' }],
  ['queue_operations', 'edgelog_queue_operations_total', {}],
  ['do_requests', 'edgelog_durable_object_requests_total', {}],
  ['do_rows_read', 'edgelog_durable_object_rows_total', { direction: 'read' }],
  ['do_rows_written', 'edgelog_durable_object_rows_total', { direction: 'written' }],
  ['logs_stored', 'edgelog_logs_stored_total', {}],
]

/**
 * All that was counted so far, by operation. Isolates and shards report every ten seconds, with the next thing that they
 * do, and an object that has nothing to do may end before: so this searches until all must have reported.
 */
export async function readMeter(world: BenchWorld): Promise<CostReport> {
  for (let waitedMs = 0; waitedMs <= meterFlushMs; waitedMs += 1000) {
    await pause(1000)
    await (await fetch(`${world.url}/api/v1/logs/search?limit=1`, { headers: { authorization: `Bearer ${world.queryKey}` } })).text()
  }
  await pause(1000)
  const response = await fetch(`${world.url}/metrics`, { headers: { authorization: `Bearer ${world.metricsToken}` } })
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`)
  const report: CostReport = {}
  for (const { name, labels, value } of parseExposition(await response.text())) {
    const kind = kinds.find((each) => each[1] === name && Object.entries(each[2]).every(([label, text]) => labels[label] === text))
    if (kind !== undefined && labels['operation'] !== undefined) addCosts((report[labels['operation']] ??= {}), { [kind[0]]: value })
  }
  return report
}

/** What `operations` (all, when none is named) spent between two readings. */
export function spent(before: CostReport, after: CostReport, operations?: readonly string[]): Costs {
  const sum: Costs = {}
  for (const [operation, costs] of Object.entries(after)) {
    if (operations !== undefined && !operations.includes(operation)) continue
    addCosts(sum, costs)
    for (const [kind, amount] of Object.entries(before[operation] ?? {}))
      sum[kind as keyof Costs] = (sum[kind as keyof Costs] ?? 0) - amount
  }
  return sum
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
