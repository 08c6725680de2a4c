import { seqMax, shardNumberMax, timestampMsMax } from '../../core/limits.ts'
import { bitmapCount } from '../bitmap.ts'
import type { StoredRow } from '../row.ts'
import { skipDamage } from './aggregate_blocks.ts'
import type { Filter } from './ast.ts'
import { metaMayMatch } from './block_filter.ts'
import type { BlockList } from './block_list.ts'
import { createMeter } from './cost.ts'
import { evaluate } from './evaluate.ts'
import { compareInOrder, positionOf } from './position.ts'
import { approximateBytes, createSearchPage, rangeBehind, rangeUpTo } from './search_page.ts'
import { topRows } from './top_rows.ts'
import type { Damage, Order, Position, Scanned, Scope, SearchOperation, SearchRows, TimeRange } from './types.ts'

export type SearchOptions = Omit<SearchOperation, 'kind'>

/**
 * The first `limit` matching rows behind `after`, in the asked order; fewer when rows are large. Blocks are taken by
 * where they begin, and none is opened that begins behind the last row needed. The budget is passed where ending would
 * give a frontier no further than `after`, so that who follows frontiers always arrives.
 */
export function searchBlocks(sources: BlockList, filter: Filter, scope: Scope, options: SearchOptions): Scanned<SearchRows> {
  const { order, limit, after, until } = options
  const { shard } = scope
  const meter = createMeter(filter, scope.budgetBytes)
  const damaged: Damage[] = []
  let rowsMatched = 0
  const range = rangeBehind(scope.range, after, order)
  for (const { meta } of sources) meter.consider(1, meta.bytes)
  const { places, edges } = planOf(sources, filter, range, order)
  const start = after ?? frontierBefore(edges[places[0] ?? 0] ?? 0, order)
  const page = createSearchPage<StoredRow>(order, limit, until)
  let ended: Position | null = null
  for (const place of places) {
    const edgeMs = edges[place]!
    const bound = page.bound()
    if (bound !== undefined && isBehind(edgeMs, bound, order)) {
      page.add([], true)
      break
    }
    const frontier = frontierBefore(edgeMs, order)
    if (meter.isSpent() && compareInOrder(order, start, frontier) < 0) {
      ended = frontier
      break
    }
    const source = sources.at(place)!
    const needed = rangeUpTo(range, bound, order)
    skipDamage(damaged, meter, source, (block) => {
      const found = evaluate(filter, block, { ...scope, range: needed }, source.hidden)
      const { rows, isCut } = topRows(block, found, { shard, order, limit, after })
      const built = rows.length === 0 ? [] : block.materialise(rows)
      rowsMatched += bitmapCount(found)
      page.add(
        built.map((row) => ({ position: positionOf(row, shard), item: row, bytes: approximateBytes(row) })),
        isCut || bound !== undefined,
      )
    })
  }
  const { rows, frontier } = page.finish(ended)
  return { result: { rows: rows.map(({ item }) => item), frontier }, budgetEnded: ended !== null, cost: meter.cost(rowsMatched), damaged }
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
      edges[place] = edgeOf(meta, range, order)
      places.push(place)
    }
    place++
  }
  places.sort((a, b) => (order === 'newest' ? edges[b]! - edges[a]! : edges[a]! - edges[b]!))
  return { places, edges }
}

/** The millisecond where the rows of the range in a block (or segment) begin, in the asked order. */
export function edgeOf({ minMs, maxMs }: { minMs: number; maxMs: number }, { fromMs, toMs }: TimeRange, order: Order): number {
  return order === 'newest' ? Math.min(maxMs, toMs - 1) : Math.max(minMs, fromMs)
}

/** Do rows that begin at this millisecond all come behind the position? */
export function isBehind(edgeMs: number, { ms }: Position, order: Order): boolean {
  return order === 'newest' ? edgeMs < ms : edgeMs > ms
}

/** A position, in the asked order, that comes before all rows of a millisecond; always one that a cursor can hold. */
export function frontierBefore(edgeMs: number, order: Order): Position {
  if (order === 'newest') return { ms: Math.min(edgeMs + 1, timestampMsMax), ns: 0, shard: 0, seq: 0 }
  // No row has sequence number 0.
  if (edgeMs <= 0) return { ms: 0, ns: 0, shard: 0, seq: 0 }
  return { ms: edgeMs - 1, ns: 999_999, shard: shardNumberMax, seq: seqMax }
}
