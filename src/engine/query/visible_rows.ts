import type { Bitmap } from '../bitmap.ts'
import { bitmapEmpty, bitmapForEach, bitmapFull, bitmapSet } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import { isInRange } from './block_filter.ts'
import { numbersOfColumn } from './column_numbers.ts'
import type { TimeRange } from './types.ts'

/** The rows in the time range that the snapshot sees: seq <= maxSeq and not hidden. */
export function visibleRows(block: Block, range: TimeRange, maxSeq: number, hidden: readonly number[] | undefined): Bitmap {
  const { firstSeq, rows } = block.meta
  const seqs = block.system('seq').range
  const isConsecutive = seqs !== undefined && seqs.min === firstSeq && seqs.max === firstSeq + rows - 1
  let visible = bitmapFull(rows)
  if (!isInRange(block.meta, range)) {
    const ms = numbersOfColumn(block.system('timestamp'))
    visible = keep(visible, (row) => ms(row) >= range.fromMs && ms(row) < range.toMs)
  }
  if (seqs === undefined || seqs.max > maxSeq) visible = keep(visible, (row) => block.seq(row) <= maxSeq)
  if (hidden === undefined || hidden.length === 0) return visible
  return isConsecutive ? withoutRows(visible, block, hidden) : withoutSeqs(visible, block, hidden)
}

/** Where rows are consecutive, a sequence number says its row unless the block's own column puts it elsewhere. */
function withoutRows(visible: Bitmap, block: Block, hidden: readonly number[]): Bitmap {
  for (const seq of hidden) {
    const row = seq - block.meta.firstSeq
    if (row < 0 || row >= block.meta.rows) continue
    if (block.seq(row) !== seq) return withoutSeqs(visible, block, hidden)
    visible.words[row >>> 5]! &= ~(1 << (row & 31))
  }
  return visible
}

function withoutSeqs(visible: Bitmap, block: Block, hidden: readonly number[]): Bitmap {
  const seqs = new Set(hidden)
  return keep(visible, (row) => !seqs.has(block.seq(row)))
}

function keep(bitmap: Bitmap, test: (row: number) => boolean): Bitmap {
  const kept = bitmapEmpty(bitmap.length)
  bitmapForEach(bitmap, (row) => {
    if (test(row)) bitmapSet(kept, row)
  })
  return kept
}
