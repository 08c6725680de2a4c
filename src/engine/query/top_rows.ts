import type { Bitmap } from '../bitmap.ts'
import { bitmapCount, bitmapForEach } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import { numbersOfColumn } from './column_numbers.ts'
import { compareInOrder } from './position.ts'
import type { Order, Position } from './types.ts'

interface TopOptions {
  shard: number
  order: Order
  limit: number
  after?: Position | undefined
}

/** Negative when row a comes before row b in the asked order. */
type CompareRows = (a: number, b: number) => number

/** The first `limit` of the given rows behind `after`, in order; `isCut` when there were more. */
export function topRows(block: Block, found: Bitmap, { shard, order, limit, after }: TopOptions): { rows: number[]; isCut: boolean } {
  const candidates = rowsInLikelyOrder(found, order)
  if (candidates.length === 0) return { rows: [], isCut: false }
  const msOf = numbersOfColumn(block.system('timestamp'))
  const compare = rowOrder(block, msOf, order)
  const isBehind = (row: number) => {
    if (after === undefined || msOf(row) !== after.ms) return true
    return compareInOrder(order, { ms: after.ms, ns: block.timestampNs(row), shard, seq: block.seq(row) }, after) > 0
  }
  const heap: number[] = []
  let isCut = false
  for (const row of candidates) {
    if (!isBehind(row)) continue
    if (heap.length < limit) pushToHeap(heap, row, compare)
    else {
      isCut = true
      if (compare(row, heap[0]!) < 0) replaceTop(heap, row, compare)
    }
  }
  return { rows: heap.sort(compare), isCut }
}

/** Rows arrive nearly in time order, so that taken this way most are refused with one comparison. */
function rowsInLikelyOrder(found: Bitmap, order: Order): Uint32Array {
  const rows = new Uint32Array(bitmapCount(found))
  let count = 0
  bitmapForEach(found, (row) => {
    rows[count++] = row
  })
  return order === 'newest' ? rows.toReversed() : rows
}

function rowOrder(block: Block, msOf: (row: number) => number, order: Order): CompareRows {
  const sign = order === 'oldest' ? 1 : -1
  return (a, b) => sign * (msOf(a) - msOf(b) || block.timestampNs(a) - block.timestampNs(b) || block.seq(a) - block.seq(b))
}

/** A binary heap whose root is the row that comes last. */
function pushToHeap(heap: number[], row: number, compare: CompareRows): void {
  let at = heap.push(row) - 1
  while (at > 0) {
    const parent = (at - 1) >>> 1
    if (compare(heap[parent]!, row) >= 0) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = row
}

function replaceTop(heap: number[], row: number, compare: CompareRows): void {
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && compare(heap[child + 1]!, heap[child]!) > 0) child++
    if (compare(heap[child]!, row) <= 0) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = row
}
