import { shardReplyBytesMax } from '../../core/limits.ts'
import type { StoredRow } from '../row.ts'
import { compareInOrder } from './position.ts'
import type { Order, Position, TimeRange } from './types.ts'

/** A row of a page by its place, and what is needed to show it. */
export interface PageRow<T> {
  position: Position
  item: T
  /** What it takes of one answer; 0 when that is not known yet. */
  bytes: number
}

/** The first rows found so far, in order: at most `limit`, and no more than fit one answer. */
export interface SearchPage<T> {
  /** Rows behind this place are not needed; undefined while all are. */
  bound(): Position | undefined
  size(): number
  /** Takes rows in order; `isCut` when there may be more behind them, or behind the bound. */
  add(rows: readonly PageRow<T>[], isCut: boolean): void
  /** The rows up to `frontier`, where the search ended (null: nowhere), and the frontier that then holds. */
  finish(frontier: Position | null): { rows: PageRow<T>[]; frontier: Position | null }
}

export function createSearchPage<T>(order: Order, limit: number, until?: Position): SearchPage<T> {
  let kept: PageRow<T>[] = []
  let isFull = false
  let hasMore = false
  const compare = (a: PageRow<T>, b: PageRow<T>) => compareInOrder(order, a.position, b.position)
  const isBefore = (end: Position) => (row: PageRow<T>) => compareInOrder(order, row.position, end) <= 0
  const bound = () => (isFull || kept.length === limit ? kept.at(-1)?.position : until)

  return {
    bound,
    size: () => kept.length,

    add(rows, isCut) {
      const near = until === undefined ? rows : rows.filter(isBefore(until))
      if (near.length > 0) kept = [...kept, ...near].sort(compare)
      const count = fitting(kept, limit)
      isFull ||= count < kept.length
      hasMore ||= isCut || count < kept.length || near.length < rows.length
      kept = kept.slice(0, count)
    },

    finish(frontier) {
      const cut = hasMore ? (bound() ?? null) : null
      if (frontier === null || (cut !== null && compareInOrder(order, cut, frontier) < 0)) return { rows: kept, frontier: cut }
      return { rows: kept.filter(isBefore(frontier)), frontier }
    },
  }
}

/** The part of the range in which rows up to `bound` lie, in the asked order. */
export function rangeUpTo(range: TimeRange, bound: Position | undefined, order: Order): TimeRange {
  if (bound === undefined) return range
  return upTo(range, bound.ms, order === 'newest' ? 'above' : 'below')
}

/** The part of the range in which rows behind `after` lie. */
export function rangeBehind(range: TimeRange, after: Position | undefined, order: Order): TimeRange {
  if (after === undefined) return range
  return upTo(range, after.ms, order === 'newest' ? 'below' : 'above')
}

/** The part of the range at and below (at and above) a millisecond. */
function upTo({ fromMs, toMs }: TimeRange, ms: number, side: 'below' | 'above'): TimeRange {
  return side === 'below' ? { fromMs, toMs: Math.min(toMs, ms + 1) } : { fromMs: Math.max(fromMs, ms), toMs }
}

/** How many of the rows fit one answer; at least one. */
function fitting(measured: readonly { bytes: number }[], limit: number): number {
  let sum = 0
  for (const [i, { bytes }] of measured.entries()) {
    sum += bytes
    if (i === limit || (i > 0 && sum > shardReplyBytesMax)) return i
  }
  return measured.length
}

/** About what a row takes in memory or in a message. */
export function approximateBytes({ message, source, attributes }: StoredRow): number {
  let bytes = 200 + message.length + source.length
  for (const name in attributes) {
    const value = attributes[name]
    bytes += 16 + name.length + (typeof value === 'string' ? value.length : 0)
  }
  return bytes
}
