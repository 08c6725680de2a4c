import { parseQuery } from '../../src/engine/query/parser.ts'
import type { AggregateOperation, Position, ResultOf, Scanned } from '../../src/engine/query/types.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import { findSealedRow } from '../../src/engine/segment/find_row.ts'
import { runScan } from '../../src/engine/segment/scan_call.ts'
import type { SegmentCaches } from '../../src/engine/segment/scan_reader.ts'
import { createSegmentCaches, createSegmentReader } from '../../src/engine/segment/scan_reader.ts'
import type { SealedPlaces, SealedRow } from '../../src/objects/log-shard/protocol_storage.ts'
import { aggregateLogs } from '../../src/search/aggregate.ts'
import { readFilePage } from '../../src/search/export.ts'
import { runExportPage } from '../../src/search/export_page.ts'
import type { Listing } from '../../src/search/pages.ts'
import { readPage } from '../../src/search/pages.ts'
import type { QueryDeps, ScanLimits } from '../../src/search/query_deps.ts'
import { everything } from './content.ts'
import { checkDamage } from './damage.ts'
import type { Session } from './session.ts'
import type { SimWorld } from './world.ts'

/** One page, as the service's own coordinator reads it. */
export interface SimPage {
  rows: { shard: number; row: StoredRow }[]
  frontier: Position | null
  snapshot: ReadonlyMap<number, number>
  damaged: { segment: string; reason: string }[]
}

/** What isolates remember: two of them, of which each request meets one. */
const cachesOf = new WeakMap<SimWorld, SegmentCaches[]>()

function depsOf(world: SimWorld, { organizationId }: Session, keepFromMs: number): QueryDeps {
  let isolates = cachesOf.get(world)
  if (isolates === undefined) cachesOf.set(world, (isolates = [createSegmentCaches(), createSegmentCaches()]))
  const caches = world.random().pick(isolates)
  const reader = () => createSegmentReader(world.objects.as(), caches)
  const log = { add: () => undefined, info: () => undefined, warning: () => undefined, error: () => undefined }
  return {
    limits: limitsOf(world),
    organizationId,
    keepFromMs,
    now: world.nowMs,
    endMs: Infinity,
    log: log as unknown as QueryDeps['log'],
    reader,
    scanAway: (call) => runScan(call, reader()),
    exportAway: (call) => runExportPage(call, reader()),
  }
}

/** Small ones let scans end anywhere and go on in other invocations. */
function limitsOf(world: SimWorld): ScanLimits {
  const random = world.random()
  return {
    inPlaceBytes: random.pick([1, 10_000, 2 ** 30]),
    chunkBytes: random.pick([1, 20_000]),
    chunkSegments: 1 + random.below(4),
    fanOut: 1 + random.below(3),
    bytesMax: random.pick([1, 100_000, 2 ** 30, 2 ** 30]),
  }
}

export async function page(world: SimWorld, session: Session, listing: Listing, keepFromMs: number, limit: number): Promise<SimPage> {
  const { rows, next, snapshot, damaged } = await readPage(depsOf(world, session, keepFromMs), session.shards, listing, limit)
  return { rows, frontier: next?.after ?? null, snapshot, damaged }
}

/** One page of an export as NDJSON. */
export async function exportPage(world: SimWorld, session: Session, listing: Listing, keepFromMs: number) {
  const { bytes, next, damaged } = await readFilePage(depsOf(world, session, keepFromMs), session.shards, listing, {
    format: 'ndjson',
  })
  return { text: new TextDecoder().decode(bytes), next, damaged }
}

export function aggregate<O extends AggregateOperation>(
  world: SimWorld,
  session: Session,
  listing: Listing,
  keepFromMs: number,
  operation: O,
): Promise<Scanned<ResultOf<O>>> {
  return aggregateLogs(depsOf(world, session, keepFromMs), session.shards, listing, operation)
}

/** What becomes of the search for a sealed row: moved when a segment was replaced meanwhile, lost when it may be in a damaged one. */
export type Found = SealedRow | 'moved' | 'lost' | undefined

/** Finds a sealed row in one of its places; undefined when it is in none. */
export async function findRow(world: SimWorld, session: Session, { segments, erasures }: SealedPlaces, seq: number): Promise<Found> {
  const filters = erasures.map(({ q, ...erasure }) => ({ ...erasure, filter: parseQuery(q) }))
  const view = { range: everything, maxSeq: Infinity, keepFromMs: 0, erasures: filters }
  const { found, damaged, missing } = await findSealedRow(segments, seq, view, depsOf(world, session, 0).reader())
  checkDamage(world, damaged)
  if (found !== undefined) return found
  if (damaged.length > 0 || missing.some((key) => world.objects.isDamaged(key))) return 'lost'
  return missing.length > 0 ? 'moved' : undefined
}
