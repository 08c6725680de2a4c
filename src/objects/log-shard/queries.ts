import type { BlockMeta } from '../../engine/block/types.ts'
import { ndjsonLine } from '../../engine/log_json.ts'
import { aggregateBlocks } from '../../engine/query/aggregate_blocks.ts'
import type { BlockList } from '../../engine/query/block_list.ts'
import { createBlockList } from '../../engine/query/block_list.ts'
import { parseQuery } from '../../engine/query/parser.ts'
import { searchBlocks } from '../../engine/query/search.ts'
import type { BlockSource, Scope, SearchRows } from '../../engine/query/types.ts'
import type { LineRow, QueryCall, QueryReply } from './protocol.ts'
import type { ShardState } from './state.ts'

/** Runs an operation over hot blocks and edited rows, and names the segments to add; all of one moment. */
export function query(state: ShardState, call: QueryCall): QueryReply {
  const { identity, range, keepFromMs, budgetBytes, operation } = call
  const { index, manifest, patches, erasures } = state
  const maxSeq = call.maxSeq ?? index.lastSeq()
  const scope: Scope = { shard: identity.shard, range, maxSeq, keepFromMs, erasures: erasures.filters(), budgetBytes }
  const segments = manifest.inRange(range, maxSeq, keepFromMs)
  const hidden = segments.length === 0 ? [] : patches.within(1, manifest.record().sealedSeq)
  const sealed = { maxSeq, segments, hidden, erasures: erasures.plain() }
  const filter = parseQuery(call.q)
  const sources = sourcesOf(state, scope)
  if (operation.kind !== 'search') return { ...aggregateBlocks(sources, filter, scope, operation), ...sealed }
  const { result, ...scanned } = searchBlocks(sources, filter, scope, operation)
  return { ...scanned, result: call.lines === true ? linesOf(result) : result, ...sealed }
}

function linesOf({ rows, frontier }: SearchRows): SearchRows<LineRow> {
  const lines = rows.map((row) => ({
    timestampMs: row.timestampMs,
    timestampNs: row.timestampNs,
    seq: row.seq,
    line: ndjsonLine(row),
  }))
  return { rows: lines, frontier }
}

/** Smallest and greatest event time of all rows, sealed and edited ones included; null when there are none. */
export function extent({ index, manifest, patches }: ShardState): { minMs: number; maxMs: number } | null {
  const extents = [index.extent(), manifest.extent(), ...patches.overlay().map(({ meta }) => meta)]
  const minMs = Math.min(...extents.map((each) => each.minMs))
  const maxMs = Math.max(...extents.map((each) => each.maxMs))
  return minMs <= maxMs ? { minMs, maxMs } : null
}

/** Blocks that the operation has to look at, edited rows in their overlay. */
function sourcesOf(state: ShardState, { range, maxSeq }: Scope): BlockList {
  const places = state.index.inRange(range, maxSeq)
  const overlay = state.patches.overlay()
  return createBlockList(
    places.length + overlay.length,
    (place) => overlay[place - places.length] ?? storedSource(state, state.index.at(places[place]!)),
  )
}

function storedSource(state: ShardState, meta: BlockMeta): BlockSource {
  return { meta, open: (cost) => state.open(meta, cost), hidden: state.patches.hiddenIn(meta) }
}
