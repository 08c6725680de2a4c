import { createCostMeter, meterName } from './cost_meter.ts'
import type { MeterRpc, StoredTotals } from './cost_meter.ts'
import type { CountCost } from './costs.ts'

/** The binding of the Durable Object `Meter`. */
export interface MeterBinding {
  getByName(name: string): Pick<MeterRpc, 'report'>
}

/** What one Durable Object spends, counted under the name of what it is doing. */
export interface ObjectCosts {
  readonly count: CountCost
  /** What `work` spends before it first waits is counted under `operation`; all else under the object's own name. */
  during<T>(operation: string, work: () => T): T
  /** Reports when it is time to. Never rejects: counting must not harm what is counted. */
  flush(nowMs: number, stored?: () => { name: string; totals: StoredTotals } | undefined): Promise<void>
}

/** `failed` hears of reports that could not be made; they are made again with the next one. */
export function createObjectCosts(ownName: string, binding: MeterBinding, failed: (error: unknown) => void): ObjectCosts {
  const meter = createCostMeter()
  let operation = ownName
  return {
    count: (kind, amount = 1) => meter.add(operation, { [kind]: amount }),
    during(name, work) {
      const before = operation
      operation = name
      try {
        return work()
      } finally {
        operation = before
      }
    },
    flush: (nowMs, stored) => meter.flush(nowMs, (costs) => binding.getByName(meterName).report(costs, stored?.())).catch(failed),
  }
}
