import { WorkerEntrypoint } from 'cloudflare:workers'
import { createRunCosts, isolateMeter } from '../core/cost_meter.ts'
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
    return runScan(call, this.#reader(`logs.${call.operation.kind}`))
  }

  async exportPage(call: ExportCall): Promise<ExportReply> {
    return runExportPage(call, this.#reader('logs.export'))
  }

  /** What it reads is counted with the query that asked; calls within a Worker are no billed requests of their own. */
  #reader(operation: string): SegmentReader {
    const costs = createRunCosts(isolateMeter)
    costs.assign(operation)
    return segmentReader(meteredBucket(this.env.STORAGE, costs.count))
  }
}
