import { seqMax, shardNumberMax, timestampMsMax } from '../../core/limits.ts'
import { bitmapCount } from '../bitmap.ts'
import type { Filter } from './ast.ts'
import { metaMayMatch } from './block_filter.ts'
import { createMeter } from './cost.ts'
import { evaluate } from './evaluate.ts'
import { compareInOrder } from './position.ts'
import { createSearchPage } from './search_page.ts'
import { topRows } from './top_rows.ts'
import type { BlockSource, Order, Position, Scope, SearchResult, TimeRange } from './types.ts'

export interface SearchOptions {
  order: Order
  /** At least 1. */
  limit: number
  /** Only rows behind this place, in the asked order. */
  after?: Position | undefined
}

/** A block and the millisecond where its rows begin, in the asked order. */
interface Candidate {
  source: BlockSource
  edgeMs: number
}

/**
 * The first `limit` matching rows behind `after`, in the asked order; fewer when rows are large. Blocks are taken by
 * where they begin, and none is opened that begins behind the last row needed. The budget is passed where ending would
 * give a frontier no further than `after`, so that who follows frontiers always arrives.
 */
export function searchBlocks(sources: readonly BlockSource[], filter: Filter, scope: Scope, options: SearchOptions): SearchResult {
  const { order, limit, after } = options
  const { shard, maxSeq } = scope
  const meter = createMeter(sources, filter, scope.budgetBytes)
  const range = after === undefined ? scope.range : upTo(scope.range, after.ms, order === 'newest' ? 'below' : 'above')
  const candidates = planOf(sources, filter, range, order)
  const start = after ?? frontierBefore(candidates[0]?.edgeMs ?? 0, order)
  const page = createSearchPage(shard, order, limit)
  for (const { source, edgeMs } of candidates) {
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
    meter.read(source, (block) => {
      const found = evaluate(filter, block, needed, maxSeq, source.hidden)
      meter.cost.rowsMatched += bitmapCount(found)
      const { rows, isCut } = topRows(block, found, { shard, order, limit, after })
      page.add(rows.length === 0 ? [] : block.materialise(rows), isCut || last !== undefined)
    })
  }
  return { ...page.finish(null), budgetEnded: false, cost: meter.cost }
}

/** The blocks that may hold rows of the answer, in the order in which they begin. */
function planOf(sources: readonly BlockSource[], filter: Filter, range: TimeRange, order: Order): Candidate[] {
  return sources
    .filter(({ meta }) => meta.maxMs >= range.fromMs && meta.minMs < range.toMs && metaMayMatch(filter, meta))
    .map((source) => {
      const { minMs, maxMs } = source.meta
      return { source, edgeMs: order === 'newest' ? Math.min(maxMs, range.toMs - 1) : Math.max(minMs, range.fromMs) }
    })
    .sort((a, b) => (order === 'newest' ? b.edgeMs - a.edgeMs : a.edgeMs - b.edgeMs))
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
