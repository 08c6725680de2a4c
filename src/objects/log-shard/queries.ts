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
  const maxSeq = call.maxSeq ?? state.index.lastSeq()
  const scope: Scope = { shard: identity.shard, range, maxSeq, keepFromMs, erasures: [], budgetBytes }
  const sealed = { maxSeq, segments: [], hidden: [], erasures: [] }
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

/** Smallest and greatest event time of all rows, edited ones included. */
export function extent(state: ShardState): { minMs: number; maxMs: number } | null {
  if (state.index.size() === 0) return null
  const range = { ...state.index.extent() }
  for (const { meta } of state.patches.overlay()) {
    const { minMs, maxMs } = meta
    range.minMs = Math.min(range.minMs, minMs)
    range.maxMs = Math.max(range.maxMs, maxMs)
  }
  return range
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
