import { WorkerEntrypoint } from 'cloudflare:workers'
import { addCosts } from '../core/costs.ts'
import type { Costs, CountCost } from '../core/costs.ts'
import { meteredBucket } from '../core/metered.ts'
import type { ScanCall, ScanReply } from '../engine/segment/scan_call.ts'
import { runScan } from '../engine/segment/scan_call.ts'
import type { SegmentReader } from '../engine/segment/scan_reader.ts'
import type { ExportCall, ExportReply } from './export_page.ts'
import { runExportPage } from './export_page.ts'
import { segmentReader } from './query_deps.ts'

/**
 * Parts of large queries, each in an invocation with processor time and connections of its own. Reached only from within this
 * Worker, through `ctx.exports`, by code that has authenticated the tenant whose segments these are.
 */
export class SegmentScan extends WorkerEntrypoint<{ STORAGE: R2Bucket }> {
  async run(call: ScanCall): Promise<ScanReply> {
    return this.#counted((reader) => runScan(call, reader))
  }

  async exportPage(call: ExportCall): Promise<ExportReply> {
    return this.#counted((reader) => runExportPage(call, reader))
  }

  /** The reply carries what was spent on it, which the caller counts: it knows for which route or job it asked. */
  async #counted<T extends object>(work: (reader: SegmentReader) => Promise<T>): Promise<T & { spent: Costs }> {
    const spent: Costs = {}
    const count: CountCost = (kind, amount = 1) => addCosts(spent, { [kind]: amount })
    return { ...(await work(segmentReader(meteredBucket(this.env.STORAGE, count)))), spent }
  }
}
