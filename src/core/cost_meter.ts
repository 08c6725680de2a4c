import { addReport } from './costs.ts'
import type { CostKind, CostReport, Costs, CountCost } from './costs.ts'
import { meterFlushDollars, meterFlushMs, meterOperationsMax } from './limits.ts'
import { dollarsOf } from './prices.ts'

/** What one object holds, for the gauges: it replaces what the object said before. */
export interface StoredTotals {
  rows: number
  /** Bytes in the object's own SQLite. */
  hotBytes: number
  segments: number
  segmentBytes: number
}

/** The RPC of the Durable Object `Meter`, which adds up what isolates and shards report. */
export interface MeterRpc {
  report(costs: CostReport, stored?: { name: string; totals: StoredTotals }): Promise<void>
  /** A shard of this name holds nothing any more. */
  forget(name: string): Promise<void>
  totals(): Promise<MeterTotals>
}

export interface MeterTotals {
  /** When counting began, milliseconds. */
  sinceMs: number
  operations: CostReport
  stored: StoredTotals & { shards: number }
}

/** There is one for the whole deployment. */
export const meterName = 'meter'

export type CostMeter = ReturnType<typeof createCostMeter>

/**
 * What one isolate counted and has not yet reported. It reports when it has been `meterFlushMs`, or when so much is waiting
 * that reporting it is cheap beside it. What waits is lost with an isolate that ends, together with the logs that were
 * counted with it: sums may be a little less than the bill, averages are right. No answer waits for it.
 */
export function createCostMeter() {
  let pending: CostReport = {}
  let pendingDollars = 0
  let sentMs = -Infinity
  const add = (operation: string, costs: Costs) => {
    addReport(pending, { [operation]: costs }, meterOperationsMax)
    pendingDollars += dollarsOf(costs)
  }
  return {
    add,
    /** Reports what there is when it is time to; a report that fails is made again with the next one. */
    async flush(nowMs: number, report: (costs: CostReport) => Promise<void>): Promise<void> {
      const isDue = nowMs - sentMs >= meterFlushMs || pendingDollars >= meterFlushDollars
      if (!isDue || Object.keys(pending).length === 0) return
      sentMs = nowMs
      add('meter.report', { do_requests: 1 })
      const sent = pending
      pending = {}
      pendingDollars = 0
      try {
        await report(sent)
      } catch (error) {
        addReport(pending, sent, meterOperationsMax)
        throw error
      }
    },
  }
}

/** Costs of one request or job while it runs. `count` works on after the end: a streamed answer reads more. */
export interface RunCosts {
  readonly counts: Readonly<Costs>
  readonly count: CountCost
  /** Names what it was and hands its counts, and those still to come, to the meter. */
  assign(operation: string): void
}

/** Counts for itself until it is named; nothing is reported before. */
export function createRunCosts(meter: Pick<CostMeter, 'add'>): RunCosts {
  const counts: Costs = {}
  let operation: string | undefined
  return {
    counts,
    count(kind: CostKind, amount = 1) {
      counts[kind] = (counts[kind] ?? 0) + amount
      if (operation !== undefined) meter.add(operation, { [kind]: amount })
    },
    assign(name) {
      operation = name
      meter.add(name, counts)
    },
  }
}

/** The meter of this isolate. */
export const isolateMeter: CostMeter = createCostMeter()
