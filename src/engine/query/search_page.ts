import { shardReplyBytesMax } from '../../core/limits.ts'
import type { StoredRow } from '../row.ts'
import { compareInOrder, positionOf } from './position.ts'
import type { Order, Position } from './types.ts'

/** The first rows found so far, in order: at most `limit`, and no more than fit one answer. */
export interface SearchPage {
  /** The last row when the page is full: rows behind it are not needed. */
  lastWhenFull(): StoredRow | undefined
  /** Takes rows in order; `isCut` when there are more behind them. */
  add(rows: readonly StoredRow[], isCut: boolean): void
  /** The rows up to `frontier`, where the search ended (null: nowhere), and the frontier that then holds. */
  finish(frontier: Position | null): { rows: StoredRow[]; frontier: Position | null }
}

export function createSearchPage(shard: number, order: Order, limit: number): SearchPage {
  let kept: { row: StoredRow; bytes: number }[] = []
  let hasMore = false
  const compare = (a: StoredRow, b: StoredRow) => compareInOrder(order, positionOf(a, shard), positionOf(b, shard))
  const measured = (row: StoredRow) => ({ row, bytes: approximateBytes(row) })

  return {
    lastWhenFull: () => (hasMore || kept.length === limit ? kept.at(-1)?.row : undefined),

    add(rows, isCut) {
      if (rows.length > 0) kept = [...kept, ...rows.map(measured)].sort((a, b) => compare(a.row, b.row))
      const count = fitting(kept, limit)
      hasMore ||= isCut || count < kept.length
      kept = kept.slice(0, count)
    },

    finish(frontier) {
      const rows = kept.map(({ row }) => row)
      const last = rows.at(-1)
      const cut = hasMore && last !== undefined ? positionOf(last, shard) : null
      if (frontier === null || (cut !== null && compareInOrder(order, cut, frontier) < 0)) return { rows, frontier: cut }
      return { rows: rows.filter((row) => compareInOrder(order, positionOf(row, shard), frontier) <= 0), frontier }
    },
  }
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
function approximateBytes({ message, source, attributes }: StoredRow): number {
  let bytes = 200 + message.length + source.length
  for (const name in attributes) {
    const value = attributes[name]
    bytes += 16 + name.length + (typeof value === 'string' ? value.length : 0)
  }
  return bytes
}
