import type { MergedRows } from '../engine/query/merge.ts'
import { mergeRows, mergeScans, rowsOfShard } from '../engine/query/merge.ts'
import { compareInOrder, positionOf } from '../engine/query/position.ts'
import { frontierBefore, isBehind } from '../engine/query/search.ts'
import { rangeBehind } from '../engine/query/search_page.ts'
import type { Order, Position, Scanned, SearchOperation, SearchRows } from '../engine/query/types.ts'
import type { StoredRow } from '../engine/row.ts'
import type { ScanCall, SealedPart } from '../engine/segment/scan_call.ts'
import { runScan } from '../engine/segment/scan_call.ts'
import type { SegmentScan } from '../engine/segment/scan_types.ts'
import type { PageState } from './cursor.ts'
import { lostSegments } from './lost_segments.ts'
import type { QueryDeps } from './query_deps.ts'
import { scanned } from './query_deps.ts'
import { cutChunks, sealedParts } from './scan_parts.ts'
import type { Question, Shard } from './shards.ts'
import { askShards, snapshotOf } from './shards.ts'

/** One listing: what it looks for, and, from its second page on, where that goes on and what it may see. */
export interface Listing extends Question {
  order: Order
  after?: Position | undefined
}

export interface Page extends Omit<Scanned<unknown>, 'result'> {
  rows: { shard: number; row: StoredRow }[]
  /** The next page, or null when this is the last. */
  next: PageState | null
  /** Newest row that each shard could show, for the pages and counts that follow. */
  snapshot: ReadonlyMap<number, number>
}

/** One page of rows in one order: hot ones of all shards, and sealed ones. Its budget may end before it is full. */
export async function readPage(
  deps: QueryDeps,
  shards: readonly Shard[],
  listing: Listing,
  limit: number,
  isRepeat = false,
): Promise<Page> {
  const { range, order, after } = listing
  const operation: SearchOperation = { kind: 'search', order, limit, after }
  const replies = await askShards(deps, shards, listing, operation)
  const snapshot = listing.snapshot ?? snapshotOf(replies)
  const hot = mergeRows(
    replies.map(({ shard, reply }) => rowsOfShard(shard.identity.shard, reply.result as SearchRows)),
    order,
    limit,
  )
  const { page, scans, budgetEnded } = await scanPage(deps, listing, sealedParts(replies), operation, hot)
  const lost = await lostSegments(replies, scans)
  if (lost.haveMoved && !isRepeat) return readPage(deps, shards, { ...listing, snapshot }, limit, true)
  const merged = mergeScans([...replies.map(({ reply }) => reply), ...scans])
  return {
    ...merged,
    rows: page.rows,
    next: page.frontier && { after: page.frontier, range, snapshot },
    snapshot,
    budgetEnded: page.frontier !== null && page.rows.length < limit && (budgetEnded || merged.budgetEnded),
    damaged: [...merged.damaged, ...lost.damaged],
  }
}

interface PageScan {
  page: MergedRows<StoredRow>
  scans: SegmentScan<MergedRows<StoredRow>>[]
  budgetEnded: boolean
}

/** Adds sealed rows to a page of hot ones: in this invocation, and where that does not suffice in others, a few at a time. */
async function scanPage(
  deps: QueryDeps,
  { q, range, order }: Listing,
  parts: readonly SealedPart[],
  operation: SearchOperation,
  hot: MergedRows<StoredRow>,
): Promise<PageScan> {
  if (parts.length === 0) return { page: hot, scans: [], budgetEnded: false }
  const { organizationId, keepFromMs, limits } = deps
  const { limit } = operation
  let page = hot
  const callOf = (own: readonly SealedPart[], after: Position | undefined, budgetBytes: number): ScanCall => {
    return { organizationId, q, range, keepFromMs, parts: own, operation: { ...operation, after, until: endOf(page, limit) }, budgetBytes }
  }
  const first = scanned(await runScan(callOf(parts, operation.after, limits.inPlaceBytes), deps.reader())) as PageScan['scans'][number]
  const scans = [first]
  const { frontier } = first.result
  if (!first.budgetEnded || frontier === null) return { page: mergeRows([page, first.result], order, limit), scans, budgetEnded: false }

  // The scan in place found all rows up to its frontier; the chunks go on from there.
  page = mergeRows([page, { rows: first.result.rows, frontier: null }], order, limit)
  const chunks = cutChunks(limits, parts, rangeBehind(range, frontier, order), order)
  let bytes = 0
  for (let next = 0; next < chunks.length; next += limits.fanOut) {
    const { edgeMs } = chunks[next]!
    const end = endOf(page, limit)
    const isFull = end !== undefined && isBehind(edgeMs, end, order)
    if (isFull || bytes >= limits.bytesMax || deps.now() >= deps.endMs) {
      const unseen = { rows: [], frontier: laterOf(frontierBefore(edgeMs, order), frontier, order) }
      return { page: mergeRows([page, unseen], order, limit), scans, budgetEnded: !isFull }
    }
    const wave = chunks
      .slice(next, next + limits.fanOut)
      .map(({ parts: own }) => deps.scanAway(callOf(own, frontier, 2 * limits.chunkBytes)))
    for (const scan of (await Promise.all(wave)).map(scanned) as PageScan['scans']) {
      page = mergeRows([page, scan.result], order, limit)
      bytes += scan.cost.bytesDecompressed
      scans.push(scan)
    }
  }
  return { page, scans, budgetEnded: false }
}

/** Where a page ends: rows behind that place are not needed. */
function endOf({ rows, frontier }: MergedRows<StoredRow>, limit: number): Position | undefined {
  const last = rows.length >= limit ? rows.at(-1) : undefined
  return frontier ?? (last && positionOf(last.row, last.shard))
}

function laterOf(a: Position, b: Position, order: Order): Position {
  return compareInOrder(order, a, b) < 0 ? b : a
}
