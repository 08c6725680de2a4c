import { createCostMeter, meterName } from './cost_meter.ts'
import type { MeterRpc, StoredTotals } from './cost_meter.ts'
import { addCosts } from './costs.ts'
import type { Costs, CountCost } from './costs.ts'

/** The binding of the Durable Object `Meter`. */
export interface MeterBinding {
  getByName(name: string): Pick<MeterRpc, 'report'>
}

/** What one Durable Object spends, counted under its own name or handed to who asked for it. */
export interface ObjectCosts {
  readonly count: CountCost
  /** What `work` spends before it first waits is not counted here but handed over, for a reply that carries it to who asked. */
  apart<T>(work: () => T): { value: T; spent: Costs }
  /** Reports when it is time to. Never rejects: counting must not harm what is counted. */
  flush(nowMs: number, stored?: () => { name: string; totals: StoredTotals } | undefined): Promise<void>
}

/** `failed` hears of reports that could not be made; they are made again with the next one. */
export function createObjectCosts(ownName: string, binding: MeterBinding, failed: (error: unknown) => void): ObjectCosts {
  const meter = createCostMeter()
  let apart: Costs | undefined
  return {
    count(kind, amount = 1) {
      if (apart === undefined) meter.add(ownName, { [kind]: amount })
      else addCosts(apart, { [kind]: amount })
    },
    apart(work) {
      const spent: Costs = {}
      apart = spent
      try {
        return { value: work(), spent }
      } finally {
        apart = undefined
      }
    },
    flush: (nowMs, stored) => meter.flush(nowMs, (costs) => binding.getByName(meterName).report(costs, stored?.())).catch(failed),
  }
}
