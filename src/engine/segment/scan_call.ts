import type { Erasure } from '../query/erasure.ts'
import type { MergedRows } from '../query/merge.ts'
import { parseQuery } from '../query/parser.ts'
import { QueryTooSlowError } from '../query/query_error.ts'
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

/** The query takes too much time on some block; a sentence for the person who asked. */
export interface ScanTooSlow {
  tooSlow: string
}

export type ScanReply = SegmentScan<ScanResult> | ScanTooSlow

/** Runs a scan. Throws what the store throws when it cannot be reached. */
export async function runScan(call: ScanCall, reader: SegmentReader): Promise<ScanReply> {
  const { operation, budgetBytes } = call
  const filter = parseQuery(call.q)
  const options = { budgetBytes, reader }
  try {
    if (operation.kind === 'search') return await searchSegments(targetsOf(call), filter, operation, options)
    return await scanSegments(targetsOf(call), filter, operation, options)
  } catch (error) {
    if (error instanceof QueryTooSlowError) return { tooSlow: error.message }
    throw error
  }
}

/** The segments of a call as a scan takes them; throws when one is not the organization's own. */
export function targetsOf({ organizationId, range, keepFromMs, parts }: Omit<ScanCall, 'operation'>): ScanTarget[] {
  return parts.map(({ shard, segments, maxSeq, hidden, erasures }) => {
    const stranger = segments.find(({ key }) => !key.startsWith(`org/${organizationId}/`))
    if (stranger !== undefined) throw new Error(`segment ${stranger.key} is not of organization ${organizationId}`)
    const filters = erasures.map(({ q, ...erasure }) => ({ ...erasure, filter: parseQuery(q) }))
    return { shard, segments, hidden, view: { range, maxSeq, keepFromMs, erasures: filters } }
  })
}
