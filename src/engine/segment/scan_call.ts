import type { Erasure } from '../query/erasure.ts'
import { erasureFilters } from '../query/erasure.ts'
import type { MergedRows } from '../query/merge.ts'
import { parseQuery } from '../query/parser.ts'
import type { TooSlow } from '../query/query_error.ts'
import { tooSlowOf } from '../query/query_error.ts'
import type { AggregateOperation, Operation, Results, TimeRange } from '../query/types.ts'
import type { StoredRow } from '../row.ts'
import { scanSegments } from './scan.ts'
import type { SegmentReader } from './scan_reader.ts'
import { searchSegments } from './scan_rows.ts'
import type { ScanTarget, SegmentScan } from './scan_types.ts'
import type { SegmentMeta } from './types.ts'

/** Sealed segments of one shard and what of them may be seen, as the shard says it. Plain data. */
export interface SealedPart {
  shard: number
  segments: readonly SegmentMeta[]
  maxSeq: number
  hidden: readonly number[]
  erasures: readonly Erasure[]
}

/** A scan of sealed segments, in this invocation or in another one. Plain data. */
export interface ScanCall {
  /** Whose segments these are. */
  organizationId: string
  q: string
  range: TimeRange
  keepFromMs: number
  parts: readonly SealedPart[]
  operation: Operation
  /** The scan ends (partial) once this many raw bytes were decompressed. */
  budgetBytes: number
}

/** The result of an aggregating operation, or rows with their shards for a search. */
export type ScanResult = Results[AggregateOperation['kind']] | MergedRows<StoredRow>

export type ScanReply = SegmentScan<ScanResult> | TooSlow

/** Runs a scan. Throws what the store throws when it cannot be reached. */
export async function runScan(call: ScanCall, reader: SegmentReader): Promise<ScanReply> {
  const { operation, budgetBytes } = call
  const filter = parseQuery(call.q)
  const options = { budgetBytes, reader }
  const scan =
    operation.kind === 'search'
      ? searchSegments(targetsOf(call), filter, operation, options)
      : scanSegments(targetsOf(call), filter, operation, options)
  return scan.catch(tooSlowOf)
}

/** The segments of a call as a scan takes them; throws when one is not the organization's own. */
export function targetsOf({ organizationId, range, keepFromMs, parts }: Omit<ScanCall, 'operation'>): ScanTarget[] {
  return parts.map(({ shard, segments, maxSeq, hidden, erasures }) => {
    const stranger = segments.find(({ key }) => !key.startsWith(`org/${organizationId}/`))
    if (stranger !== undefined) throw new Error(`segment ${stranger.key} is not of organization ${organizationId}`)
    return { shard, segments, hidden, view: { range, maxSeq, keepFromMs, erasures: erasureFilters(erasures) } }
  })
}
