import { severityMaskOfFilter } from '../engine/query/block_filter.ts'
import { combineScans, mergeAggregates, startAggregate } from '../engine/query/operations.ts'
import { parseQuery } from '../engine/query/parser.ts'
import type { AggregateOperation, ResultOf, Scanned } from '../engine/query/types.ts'
import type { ScanCall, SealedPart } from '../engine/segment/scan_call.ts'
import { runScan } from '../engine/segment/scan_call.ts'
import type { SegmentScan } from '../engine/segment/scan_types.ts'
import { lostSegments } from './lost_segments.ts'
import type { QueryDeps } from './query_deps.ts'
import { scanned } from './query_deps.ts'
import type { Chunk } from './scan_parts.ts'
import { cutChunks, sealedParts } from './scan_parts.ts'
import type { Question, Shard } from './shards.ts'
import { askShards, snapshotOf } from './shards.ts'

/** An aggregating operation over all rows of the organization that match: hot ones in their shards, sealed ones here. */
export async function aggregateLogs<O extends AggregateOperation>(
  deps: QueryDeps,
  shards: readonly Shard[],
  question: Question,
  operation: O,
  isRepeat = false,
): Promise<Scanned<ResultOf<O>>> {
  const replies = await askShards(deps, shards, question, operation)
  const { scans, budgetEnded } = await scanAll(deps, question, sealedParts(replies), operation)
  const lost = await lostSegments(replies, scans)
  if (lost.haveMoved && !isRepeat) {
    return aggregateLogs(deps, shards, { ...question, snapshot: snapshotOf(replies) }, operation, true)
  }
  const hot = replies.map(({ reply }) => reply as unknown as Scanned<ResultOf<O>>)
  const merged = mergeAggregates(operation, [...hot, ...scans])
  return { ...merged, budgetEnded: merged.budgetEnded || budgetEnded, damaged: [...merged.damaged, ...lost.damaged] }
}

/** Scans the segments, in this invocation when that is little work, else in others, a few at a time. */
async function scanAll<O extends AggregateOperation>(
  deps: QueryDeps,
  { q, range }: Question,
  parts: readonly SealedPart[],
  operation: O,
): Promise<{ scans: SegmentScan<ResultOf<O>>[]; budgetEnded: boolean }> {
  type Scan = SegmentScan<ResultOf<O>>
  const { organizationId, keepFromMs, limits } = deps
  // Where counts of the metadata or directories answer, indexes are read and no more.
  const { fields, addCounts } = startAggregate(operation)
  const isCounted = severityMaskOfFilter(parseQuery(q)) !== undefined && (addCounts !== undefined || fields === null)
  const chunks = cutChunks(limits, parts, range, 'newest', isCounted ? ({ indexBytes }) => 4 * indexBytes : undefined)
  const callOf = ({ parts: own }: Chunk): ScanCall => {
    return { organizationId, q, range, keepFromMs, parts: own, operation, budgetBytes: 2 * limits.chunkBytes }
  }
  const scans: Scan[] = []
  const [first] = chunks
  if (chunks.length === 1 && first !== undefined && first.bytes <= limits.inPlaceBytes) {
    return { scans: [scanned(await runScan(callOf(first), deps.reader())) as Scan], budgetEnded: false }
  }
  const waiting = chunks.values()
  let bytes = 0
  let budgetEnded = false
  const worker = async () => {
    for (const chunk of waiting) {
      if (bytes >= limits.bytesMax || deps.now() >= deps.endMs) {
        budgetEnded = true
        return
      }
      const scan = scanned(await deps.scanAway(callOf(chunk))) as Scan
      bytes += scan.cost.bytesDecompressed
      scans.push(scan)
      combineScans(operation, scans)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limits.fanOut, chunks.length) }, worker))
  return { scans, budgetEnded }
}
