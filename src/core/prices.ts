import { costKinds } from './costs.ts'
import type { CostKind, Costs } from './costs.ts'

/** The day on which the prices below were last compared with the pages named beside them. */
export const pricesDate = '2026-11-22'

const million = 1e6
const pages = {
  workers: 'https://developers.cloudflare.com/workers/platform/pricing/',
  d1: 'https://developers.cloudflare.com/d1/platform/pricing/',
  durableObjects: 'https://developers.cloudflare.com/durable-objects/platform/pricing/',
  r2: 'https://developers.cloudflare.com/r2/pricing/',
  kv: 'https://developers.cloudflare.com/kv/platform/pricing/',
  queues: 'https://developers.cloudflare.com/queues/platform/pricing/',
} as const

/** US dollars for `per` units of something. */
export interface Price {
  dollars: number
  per: number
  unit: string
  page: string
}

/**
 * What Cloudflare's Workers Paid plan charges beyond what it includes (R2: Standard storage). The included amounts are
 * left out: a figure must not depend on what else the account uses.
 */
export const prices = {
  worker_requests: { dollars: 0.3, per: million, unit: 'requests', page: pages.workers },
  worker_cpu_ms: { dollars: 0.02, per: million, unit: 'CPU milliseconds', page: pages.workers },
  d1_rows_read: { dollars: 0.001, per: million, unit: 'rows', page: pages.d1 },
  d1_rows_written: { dollars: 1, per: million, unit: 'rows', page: pages.d1 },
  d1_stored: { dollars: 0.75, per: 1, unit: 'GB-month', page: pages.d1 },
  do_requests: { dollars: 0.15, per: million, unit: 'requests', page: pages.durableObjects },
  do_duration: { dollars: 12.5, per: million, unit: 'GB-seconds', page: pages.durableObjects },
  do_rows_read: { dollars: 0.001, per: million, unit: 'rows', page: pages.durableObjects },
  do_rows_written: { dollars: 1, per: million, unit: 'rows', page: pages.durableObjects },
  do_stored: { dollars: 0.2, per: 1, unit: 'GB-month', page: pages.durableObjects },
  r2_class_a: { dollars: 4.5, per: million, unit: 'operations', page: pages.r2 },
  r2_class_b: { dollars: 0.36, per: million, unit: 'operations', page: pages.r2 },
  r2_stored: { dollars: 0.015, per: 1, unit: 'GB-month', page: pages.r2 },
  kv_reads: { dollars: 0.5, per: million, unit: 'keys', page: pages.kv },
  kv_writes: { dollars: 5, per: million, unit: 'keys', page: pages.kv },
  kv_deletes: { dollars: 5, per: million, unit: 'keys', page: pages.kv },
  kv_lists: { dollars: 5, per: million, unit: 'requests', page: pages.kv },
  queue_operations: { dollars: 0.4, per: million, unit: 'operations', page: pages.queues },
} as const satisfies Record<string, Price>

/** Memory that a running Durable Object is billed for, whatever it uses: 128 MB. */
export const objectMemoryGb = 0.128

/** What the counts cost in US dollars. Statements, R2 deletes, R2 bytes and stored logs have no price of their own. */
export function dollarsOf(costs: Costs): number {
  return costKinds.reduce((sum, kind) => sum + (costs[kind] ?? 0) * unitPrice(kind), 0)
}

/** US dollars for a month of the stored bytes; a billed GB has 10^9 bytes. */
export function storageDollarsPerMonth({ hotBytes, segmentBytes }: { hotBytes: number; segmentBytes: number }): number {
  return (hotBytes * prices.do_stored.dollars + segmentBytes * prices.r2_stored.dollars) / 1e9
}

/** US dollars of one unit; 0 for what is not billed. */
function unitPrice(kind: CostKind): number {
  const price: Price | undefined = (prices as Partial<Record<CostKind, Price>>)[kind]
  return price === undefined ? 0 : price.dollars / price.per
}
