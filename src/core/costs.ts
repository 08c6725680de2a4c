/**
 * What Cloudflare bills, as counters. CPU time and the time that a Durable Object is awake are billed as well, but code
 * cannot see them: the clock stands still while it computes.
 */
export const costKinds = [
  'worker_requests',
  'd1_statements',
  'd1_rows_read',
  'd1_rows_written',
  'r2_class_a',
  'r2_class_b',
  'r2_deletes',
  'r2_bytes_read',
  'r2_bytes_written',
  'kv_reads',
  'kv_writes',
  'kv_deletes',
  'kv_lists',
  'queue_operations',
  'do_requests',
  'do_rows_read',
  'do_rows_written',
  'logs_stored',
] as const
export type CostKind = (typeof costKinds)[number]

/** Counts by kind; what is not there is 0. `logs_stored` costs nothing: it is what the others are set against. */
export type Costs = Partial<Record<CostKind, number>>

/** Costs by operation: the id of a route, or what an object does by itself. */
export type CostReport = Record<string, Costs>

export type CountCost = (kind: CostKind, amount?: number) => void

export function addCosts(to: Costs, from: Costs): void {
  for (const kind of costKinds) {
    const amount = from[kind]
    if (amount !== undefined && amount !== 0) to[kind] = (to[kind] ?? 0) + amount
  }
}

/** Adds a report to the totals. Operations beyond `operationsMax` are added up as "other": names must not grow without end. */
export function addReport(to: CostReport, from: CostReport, operationsMax: number): void {
  let size = Object.keys(to).length
  for (const [operation, costs] of Object.entries(from)) {
    const known = Object.hasOwn(to, operation)
    if (!known) size += 1
    const name = known || size <= operationsMax ? operation : 'other'
    addCosts((to[name] ??= {}), costs)
  }
}
