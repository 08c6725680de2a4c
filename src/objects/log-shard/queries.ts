import { shardReplyBytesMax } from '../../core/limits.ts'
import { parseQuery } from '../../engine/query/parser.ts'
import { countBlocks } from '../../engine/query/count.ts'
import { facetBlocks } from '../../engine/query/facets.ts'
import { histogramBlocks } from '../../engine/query/histogram.ts'
import { searchBlocks } from '../../engine/query/search.ts'
import type { BlockSource, CountResult, FacetResult, HistogramResult, Scope, SearchResult } from '../../engine/query/types.ts'
import type { StoredRow } from '../../engine/row.ts'
import type { FacetsCall, HistogramCall, QueryScope, SearchCall, Snapshot } from './protocol.ts'
import type { ShardState } from './state.ts'

/** The rows of one page, at most `shardReplyBytesMax` of them: an answer must fit one RPC message and memory. */
export function search(state: ShardState, call: SearchCall): Snapshot<SearchResult> {
  const { scope, sources } = plan(state, call)
  const { order, limit, after } = call
  const result = searchBlocks(sources, parseQuery(call.q), scope, { order, limit, after })
  return { ...cutToReply(result, scope.shard), maxSeq: scope.maxSeq }
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
  const metas = [...state.index.all(), ...state.patches.overlay().map(({ meta }) => meta)]
  if (metas.length === 0) return null
  const range = { minMs: Infinity, maxMs: -Infinity }
  for (const { minMs, maxMs } of metas) {
    range.minMs = Math.min(range.minMs, minMs)
    range.maxMs = Math.max(range.maxMs, maxMs)
  }
  return range
}

/** Blocks that the operation has to look at, edited rows in their overlay, and the snapshot it sees. */
function plan(state: ShardState, call: QueryScope): { scope: Scope; sources: BlockSource[] } {
  const maxSeq = call.maxSeq ?? state.index.lastSeq()
  const scope = { shard: call.identity.shard, range: call.range, maxSeq, budgetBytes: call.budgetBytes }
  const stored = state.index.inRange(call.range, maxSeq).map((meta) => ({
    meta,
    open: (cost: Parameters<BlockSource['open']>[0]) => state.open(meta, cost),
    hidden: state.patches.hiddenIn(meta),
  }))
  return { scope, sources: [...stored, ...state.patches.overlay()] }
}

/** Keeps the first rows that fit; the frontier says that there is more. */
function cutToReply(result: SearchResult, shard: number): SearchResult {
  let bytes = 0
  for (const [i, row] of result.rows.entries()) {
    bytes += rowBytes(row)
    const last = result.rows[i - 1]
    if (bytes <= shardReplyBytesMax || last === undefined) continue
    const frontier = { ms: last.timestampMs, ns: last.timestampNs, shard, seq: last.seq }
    return { ...result, rows: result.rows.slice(0, i), frontier }
  }
  return result
}

/** About what the row takes in a message: one byte a character is right for most logs, and two the most. */
function rowBytes(row: StoredRow): number {
  let bytes = 200 + row.message.length + row.source.length
  for (const [name, value] of Object.entries(row.attributes)) bytes += 16 + name.length + (typeof value === 'string' ? value.length : 0)
  return bytes
}
