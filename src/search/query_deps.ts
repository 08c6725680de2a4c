import { queryMsMax, queryScanBytesMax, scanChunkBytes, scanChunkSegments, scanFanOut, scanInPlaceBytes } from '../core/limits.ts'
import { openObjectStore } from '../core/object_store.ts'
import { problem } from '../core/problems.ts'
import { keepFromMs } from '../core/settings.ts'
import type { TenantCtx } from '../db/context.ts'
import type { TooSlow } from '../engine/query/query_error.ts'
import type { ScanCall, ScanReply } from '../engine/segment/scan_call.ts'
import { runScan } from '../engine/segment/scan_call.ts'
import { createSegmentCaches, createSegmentReader } from '../engine/segment/scan_reader.ts'
import type { ExportCall, ExportReply } from './export_page.ts'
import { runExportPage } from './export_page.ts'
import type { SegmentReader } from '../engine/segment/scan_reader.ts'

/** How much one query may scan, and where; see the constants of the same names. */
export interface ScanLimits {
  inPlaceBytes: number
  chunkBytes: number
  chunkSegments: number
  fanOut: number
  bytesMax: number
}

const scanLimits: ScanLimits = {
  inPlaceBytes: scanInPlaceBytes,
  chunkBytes: scanChunkBytes,
  chunkSegments: scanChunkSegments,
  fanOut: scanFanOut,
  bytesMax: queryScanBytesMax,
}

/** What a query needs beside the shards. */
export interface QueryDeps {
  limits: ScanLimits
  organizationId: string
  /** Rows that were received earlier have expired; 0 keeps all. */
  keepFromMs: number
  /** Milliseconds since 1970. */
  now(): number
  /** When the query ends with what it has. */
  endMs: number
  log: TenantCtx['log']
  /** Reads segments in this invocation, at most six at a time. */
  reader(): SegmentReader
  /** Runs a scan in another invocation, which has processor time of its own. */
  scanAway(call: ScanCall): Promise<ScanReply>
  exportAway(call: ExportCall): Promise<ExportReply>
}

/** What segments this isolate remembers, for all its requests: keys name their tenant, and nothing under a key ever changes. */
const caches = createSegmentCaches()

/** Reads segments through the caches of this isolate. */
export function segmentReader(bucket: R2Bucket): SegmentReader {
  const store = openObjectStore(bucket, (ms, options) => scheduler.wait(ms, options))
  return createSegmentReader(store, caches)
}

/** What one query of the caller's organization needs; its time begins now. */
export function queryDeps({ env, exports, log, now, tenant }: TenantCtx): QueryDeps {
  const { organizationId, logSettings } = tenant
  const reader = () => segmentReader(env.STORAGE)
  return {
    limits: scanLimits,
    organizationId,
    keepFromMs: keepFromMs(logSettings, now()),
    now,
    endMs: now() + queryMsMax,
    log,
    reader,
    scanAway: (call) => (exports === undefined ? runScan(call, reader()) : exports.SegmentScan.run(call)),
    exportAway: (call) => (exports === undefined ? runExportPage(call, reader()) : exports.SegmentScan.exportPage(call)),
  }
}

/** The answer of a scan; throws the problem `invalid_query` when the query takes too much time. */
export function scanned<T extends object>(reply: T | TooSlow): T {
  if ('tooSlow' in reply) throw problem('invalid_query', reply.tooSlow)
  return reply
}
