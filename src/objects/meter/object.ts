import { DurableObject } from 'cloudflare:workers'
import type { MeterRpc, StoredTotals } from '../../core/cost_meter.ts'
import type { CostReport } from '../../core/costs.ts'
import { createMeterCore } from './core.ts'
import type { MeterCore } from './core.ts'

/** Adds up what the deployment's calls cost: a shell that gives `createMeterCore` its SQLite and clock. */
export class Meter extends DurableObject<object> implements MeterRpc {
  readonly #core: MeterCore

  constructor(ctx: DurableObjectState, env: object) {
    super(ctx, env)
    this.#core = createMeterCore(
      (query, ...bindings) => ctx.storage.sql.exec(query, ...bindings).toArray(),
      () => Date.now(),
    )
  }

  async report(costs: CostReport, stored?: { name: string; totals: StoredTotals }) {
    this.#core.report(costs, stored)
  }

  async forget(name: string) {
    this.#core.forget(name)
  }

  async totals() {
    return this.#core.totals()
  }
}
