import { seqMax } from '../../core/limits.ts'
import type { Bitmap } from '../bitmap.ts'
import { bitmapAndNot, bitmapEmpty, bitmapForEach, bitmapFull, bitmapIsEmpty, bitmapSet } from '../bitmap.ts'
import type { Block, BlockMeta } from '../block/types.ts'
import { isInRange, mayMatch } from './block_filter.ts'
import { numbersOfColumn } from './column_numbers.ts'
import { select } from './select.ts'
import type { ErasureFilter, TimeRange, View } from './types.ts'

/** The view that hides nothing. */
export const everything: View = { range: { fromMs: 0, toMs: Infinity }, maxSeq: seqMax, keepFromMs: 0, erasures: [] }

/**
 * The rows that a query may see: in its time range, within its snapshot, not hidden (patched or deleted), not expired, not
 * erased. Where the ranges of the block's columns answer, nothing is read.
 */
export function visibleRows(block: Block, view: View, hidden: readonly number[] | undefined): Bitmap {
  const { range, maxSeq, keepFromMs, erasures } = view
  let visible = rowsOfSnapshot(block, range, maxSeq)
  const created = block.system('created')
  if (created.range === undefined || created.range.min < keepFromMs) {
    const ms = numbersOfColumn(created)
    visible = keep(visible, (row) => ms(row) >= keepFromMs)
  }
  if (hidden !== undefined && hidden.length > 0) visible = withoutHidden(visible, block, hidden)
  for (const erasure of erasures) {
    if (bitmapIsEmpty(visible)) break
    if (mayErase(block, erasure)) bitmapAndNot(visible, select(erasure.filter, block, rowsInReach(block, visible, erasure)))
  }
  return visible
}

/** What of a view may hide rows of a block, by its metadata alone: then its counts are not those of the visible rows. */
export interface Extent extends Pick<BlockMeta, 'minMs' | 'maxMs' | 'firstSeq'> {
  lastSeq: number
  /** Undefined where only the block itself knows. */
  minCreatedMs: number | undefined
}

/** Is every row visible for sure, but for hidden ones? */
export function isWhollyVisible({ minMs, maxMs, firstSeq, lastSeq, minCreatedMs }: Extent, view: View): boolean {
  if (!isInRange({ minMs, maxMs }, view.range) || lastSeq > view.maxSeq) return false
  if (view.keepFromMs > 0 && !(minCreatedMs !== undefined && minCreatedMs >= view.keepFromMs)) return false
  return !view.erasures.some(({ range, maxSeq }) => firstSeq <= maxSeq && maxMs >= range.fromMs && minMs < range.toMs)
}

/** May a row of the block be erased? */
export function mayErase(block: Block, { filter, range, maxSeq, createdMs }: ErasureFilter): boolean {
  const { minMs, maxMs, firstSeq } = block.meta
  const updated = block.system('updated').range
  if (maxMs < range.fromMs || minMs >= range.toMs || firstSeq > maxSeq) return false
  return (updated === undefined || updated.min <= createdMs) && mayMatch(filter, block)
}

/** Those of the rows that an erasure is about, whatever its query. */
function rowsInReach(block: Block, rows: Bitmap, { range, maxSeq, createdMs }: ErasureFilter): Bitmap {
  const updated = block.system('updated')
  const inReach = within(block, rows, range, maxSeq)
  if (updated.range !== undefined && updated.range.max <= createdMs) return inReach
  const ms = numbersOfColumn(updated)
  return keep(inReach, (row) => ms(row) <= createdMs)
}

function rowsOfSnapshot(block: Block, range: TimeRange, maxSeq: number): Bitmap {
  return within(block, bitmapFull(block.meta.rows), range, maxSeq)
}

/** Those of the rows in the time range with seq <= maxSeq. */
function within(block: Block, rows: Bitmap, range: TimeRange, maxSeq: number): Bitmap {
  let kept = rows
  if (!isInRange(block.meta, range)) {
    const ms = numbersOfColumn(block.system('timestamp'))
    kept = keep(kept, (row) => ms(row) >= range.fromMs && ms(row) < range.toMs)
  }
  const seqs = block.system('seq').range
  return seqs === undefined || seqs.max > maxSeq ? keep(kept, (row) => block.seq(row) <= maxSeq) : kept
}

/** Where rows are consecutive, a sequence number says its row unless the block's own column puts it elsewhere. */
function withoutHidden(visible: Bitmap, block: Block, hidden: readonly number[]): Bitmap {
  const { firstSeq, rows } = block.meta
  const seqs = block.system('seq').range
  if (seqs === undefined || seqs.min !== firstSeq || seqs.max !== firstSeq + rows - 1) return withoutSeqs(visible, block, hidden)
  for (const seq of hidden) {
    const row = seq - firstSeq
    if (row < 0 || row >= rows) continue
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
