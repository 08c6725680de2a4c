import { seqMax, shardNumberMax, timestampMsMax } from '../../core/limits.ts'
import { bitmapCount } from '../bitmap.ts'
import type { Filter } from './ast.ts'
import { metaMayMatch } from './block_filter.ts'
import type { BlockList } from './block_list.ts'
import { createMeter } from './cost.ts'
import { evaluate } from './evaluate.ts'
import { compareInOrder } from './position.ts'
import { createSearchPage } from './search_page.ts'
import { topRows } from './top_rows.ts'
import type { Order, Position, Scope, SearchResult, TimeRange } from './types.ts'

export interface SearchOptions {
  order: Order
  /** At least 1. */
  limit: number
  /** Only rows behind this place, in the asked order. */
  after?: Position | undefined
}

/**
 * The first `limit` matching rows behind `after`, in the asked order; fewer when rows are large. Blocks are taken by
 * where they begin, and none is opened that begins behind the last row needed. The budget is passed where ending would
 * give a frontier no further than `after`, so that who follows frontiers always arrives.
 */
export function searchBlocks(sources: BlockList, filter: Filter, scope: Scope, options: SearchOptions): SearchResult {
  const { order, limit, after } = options
  const { shard, maxSeq } = scope
  const meter = createMeter(sources, filter, scope.budgetBytes)
  const range = after === undefined ? scope.range : upTo(scope.range, after.ms, order === 'newest' ? 'below' : 'above')
  const { places, edges } = planOf(sources, filter, range, order)
  const start = after ?? frontierBefore(edges[places[0] ?? 0] ?? 0, order)
  const page = createSearchPage(shard, order, limit)
  for (const place of places) {
    const edgeMs = edges[place]!
    const last = page.lastWhenFull()
    if (last !== undefined && (order === 'newest' ? edgeMs < last.timestampMs : edgeMs > last.timestampMs)) {
      page.add([], true)
      break
    }
    const frontier = frontierBefore(edgeMs, order)
    if (meter.isSpent() && compareInOrder(order, start, frontier) < 0) {
      return { ...page.finish(frontier), budgetEnded: true, cost: meter.cost }
    }
    const needed = last === undefined ? range : upTo(range, last.timestampMs, order === 'newest' ? 'above' : 'below')
    const source = sources.at(place)!
    meter.read(source, (block) => {
      const found = evaluate(filter, block, needed, maxSeq, source.hidden)
      meter.cost.rowsMatched += bitmapCount(found)
      const { rows, isCut } = topRows(block, found, { shard, order, limit, after })
      page.add(rows.length === 0 ? [] : block.materialise(rows), isCut || last !== undefined)
    })
  }
  return { ...page.finish(null), budgetEnded: false, cost: meter.cost }
}

/**
 * Places of the blocks that may hold rows of the answer, in the order in which they begin, and the millisecond where the
 * block at each place begins. Numbers, not sources: a shard has very many blocks.
 */
function planOf(sources: BlockList, filter: Filter, range: TimeRange, order: Order): { places: number[]; edges: Float64Array } {
  const edges = new Float64Array(sources.length)
  const places: number[] = []
  let place = 0
  for (const { meta } of sources) {
    if (meta.maxMs >= range.fromMs && meta.minMs < range.toMs && metaMayMatch(filter, meta)) {
      edges[place] = order === 'newest' ? Math.min(meta.maxMs, range.toMs - 1) : Math.max(meta.minMs, range.fromMs)
      places.push(place)
    }
    place++
  }
  places.sort((a, b) => (order === 'newest' ? edges[b]! - edges[a]! : edges[a]! - edges[b]!))
  return { places, edges }
}

/** The part of the range at and below (at and above) a millisecond. */
function upTo({ fromMs, toMs }: TimeRange, ms: number, side: 'below' | 'above'): TimeRange {
  return side === 'below' ? { fromMs, toMs: Math.min(toMs, ms + 1) } : { fromMs: Math.max(fromMs, ms), toMs }
}

/** A position, in the asked order, that comes before all rows of a millisecond; always one that a cursor can hold. */
function frontierBefore(edgeMs: number, order: Order): Position {
  if (order === 'newest') return { ms: Math.min(edgeMs + 1, timestampMsMax), ns: 0, shard: 0, seq: 0 }
  // No row has sequence number 0.
  if (edgeMs <= 0) return { ms: 0, ns: 0, shard: 0, seq: 0 }
  return { ms: edgeMs - 1, ns: 999_999, shard: shardNumberMax, seq: seqMax }
}
