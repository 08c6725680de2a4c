import type { BlockMeta } from '../../engine/block/types.ts'
import { ndjsonLine } from '../../engine/log_json.ts'
import type { BlockList } from '../../engine/query/block_list.ts'
import { createBlockList } from '../../engine/query/block_list.ts'
import { parseQuery } from '../../engine/query/parser.ts'
import { countBlocks } from '../../engine/query/count.ts'
import { facetBlocks } from '../../engine/query/facets.ts'
import { histogramBlocks } from '../../engine/query/histogram.ts'
import { searchBlocks } from '../../engine/query/search.ts'
import type { BlockSource, CountResult, FacetResult, HistogramResult, Scope, SearchResult } from '../../engine/query/types.ts'
import type { FacetsCall, HistogramCall, LineRow, QueryScope, SearchCall, Snapshot } from './protocol.ts'
import type { ShardState } from './state.ts'

/** The rows of one page; fewer than `limit` when more would not fit one answer. */
export function search(state: ShardState, call: SearchCall): Snapshot<SearchResult> {
  const { scope, sources } = plan(state, call)
  return { ...searchBlocks(sources, parseQuery(call.q), scope, call), maxSeq: scope.maxSeq }
}

/** The same page, each row as a line of NDJSON. */
export function searchLines(state: ShardState, call: SearchCall): Snapshot<SearchResult<LineRow>> {
  const { rows, ...reply } = search(state, call)
  const lines = rows.map((row) => ({
    timestampMs: row.timestampMs,
    timestampNs: row.timestampNs,
    seq: row.seq,
    line: ndjsonLine(row),
  }))
  return { ...reply, rows: lines }
}

export function count(state: ShardState, call: QueryScope): Snapshot<CountResult> {
  const { scope, sources } = plan(state, call)
  return { ...countBlocks(sources, parseQuery(call.q), scope), maxSeq: scope.maxSeq }
}

export function histogram(state: ShardState, call: HistogramCall): Snapshot<HistogramResult> {
  const { scope, sources } = plan(state, call)
  return { ...histogramBlocks(sources, parseQuery(call.q), scope, call.bucketMs), maxSeq: scope.maxSeq }
}

export function facets(state: ShardState, call: FacetsCall): Snapshot<FacetResult> {
  const { scope, sources } = plan(state, call)
  return { ...facetBlocks(sources, parseQuery(call.q), scope, call.fields, call.limit), maxSeq: scope.maxSeq }
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

/** Blocks that the operation has to look at, edited rows in their overlay, and the snapshot it sees. */
function plan(state: ShardState, call: QueryScope): { scope: Scope; sources: BlockList } {
  const maxSeq = call.maxSeq ?? state.index.lastSeq()
  const scope = { shard: call.identity.shard, range: call.range, maxSeq, budgetBytes: call.budgetBytes }
  const places = state.index.inRange(call.range, maxSeq)
  const overlay = state.patches.overlay()
  const sources = createBlockList(
    places.length + overlay.length,
    (place) => overlay[place - places.length] ?? storedSource(state, state.index.at(places[place]!)),
  )
  return { scope, sources }
}

function storedSource(state: ShardState, meta: BlockMeta): BlockSource {
  return { meta, open: (cost) => state.open(meta, cost), hidden: state.patches.hiddenIn(meta) }
}
