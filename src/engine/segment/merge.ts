import { releaseArrays } from '../../core/buffers.ts'
import { blockBytesMax, blockColumnsMax, blockRowsMax, blockTextUnitsMax, mergeRowsMax, mergeValuesMax } from '../../core/limits.ts'
import type { BlockBuffer } from '../block/block_buffer.ts'
import { createBuffer, releaseBuffer } from '../block/block_buffer.ts'
import { systemColumns } from '../block/format.ts'
import { encodeSegmentBlock } from './block_encoder.ts'
import type { ColumnSizes, Picks } from './merge_columns.ts'
import { addRows, sizesOf } from './merge_columns.ts'
import { finishBuffer } from './merge_fill.ts'
import type { OpenInputs } from './merge_open.ts'
import { openInputs } from './merge_open.ts'
import type { RowQueue } from './merge_order.ts'
import { createRowQueue, fillQueue, firstAt, inputsOf, takeRows } from './merge_order.ts'
import type { MergeInput, MergeOptions, MergeSteps } from './merge_types.ts'
import type { SegmentBlock } from './types.ts'

/** Blocks are aimed at this share of a limit, since the next rows may take more than those before. */
const aimedShare = 0.9
/** Bytes decompressed between two pauses: decoding and gathering them takes some 30 ms. */
const pauseBytes = 4 * 1024 * 1024

/**
 * Merges blocks column by column: rows are ordered by number first, then the values of each input are gathered, and no row
 * is ever built. Throws BlockError when an input is damaged, RangeError when the inputs have more than `mergeRowsMax` rows,
 * MergeThrashError when they must be read more often than `readsMax`.
 */
export function* mergeBlocks(inputs: readonly MergeInput[], { borders = [], readsMax }: MergeOptions = {}): MergeSteps {
  const rowsIn = inputs.reduce((sum, { meta }) => sum + meta.rows, 0)
  if (rowsIn > mergeRowsMax) throw new RangeError(`${rowsIn} rows are too many for one merge`)
  const sorted = inputs.toSorted((one, other) => one.meta.minMs - other.meta.minMs || one.meta.firstSeq - other.meta.firstSeq)
  const queue = createRowQueue(sorted)
  const merge: Merge = { queue, opened: openInputs(sorted, readsMax), sizes: new Map(), pauseAtBytes: 0 }
  let rowsOut = 0
  let aimedRows = blockRowsMax
  try {
    for (;;) {
      yield* fillQueue(queue, sorted, merge.opened, aimedRows)
      if (queue.ready === 0) return { rowsIn, rowsDropped: queue.rowsDropped, rowsOut }
      const { block, share } = yield* nextBlock(merge, rowsBefore(queue, aimedRows, borders))
      const { rows } = block.meta
      takeRows(queue, merge.opened, rows)
      rowsOut += rows
      aimedRows = Math.min(blockRowsMax, fittingRows(rows, share))
      yield block
    }
  } finally {
    merge.opened.close()
  }
}

interface Merge {
  queue: RowQueue
  opened: OpenInputs
  sizes: ColumnSizes
  /** Pause when so many bytes were decompressed. */
  pauseAtBytes: number
}

/** How many of the next rows, up to `rowsMax`, lie on the same side of all borders. */
function rowsBefore({ keys, order, start, ready }: RowQueue, rowsMax: number, borders: readonly number[]): number {
  const rows = Math.min(rowsMax, ready)
  const firstMs = keys.ms[order[start]!]! + keys.baseMs
  const border = borders.find((ms) => ms > firstMs)
  return border === undefined ? rows : firstAt(keys, order, start, start + rows, border) - start
}

/** The block of the next `rowsMax` rows, or of fewer when they take too much; `share` is how much of a limit it takes. */
function* nextBlock(merge: Merge, rowsMax: number): Generator<undefined, { block: SegmentBlock; share: number }> {
  for (let rows = rowsMax; ;) {
    const buffer = createBuffer(merge.sizes)
    let share = yield* gatherRows(buffer, merge, rows)
    if (share <= 1 || rows === 1) {
      merge.sizes = sizesOf(buffer)
      yield
      const block = encodeSegmentBlock(buffer)
      share = Math.max(share, block.meta.bytes / blockBytesMax)
      if (share <= 1 || rows === 1) return { block, share }
    }
    releaseBuffer(buffer)
    rows = Math.min(rows - 1, fittingRows(rows, share))
    yield
  }
}

/** How many rows to try when so many took `share` of a limit. */
function fittingRows(rows: number, share: number): number {
  return Math.max(1, Math.floor((rows * aimedShare) / share))
}

/** Fills the buffer with the next rows; answers the share of a limit that they take: it is not finished when that is over 1. */
function* gatherRows(buffer: BlockBuffer, merge: Merge, rows: number): Generator<undefined, number> {
  const { queue, opened, sizes } = merge
  const order = queue.order.subarray(queue.start, queue.start + rows)
  const arrivals = new Uint16Array(rows)
  const fits = (filled: BlockBuffer) => rows === 1 || shareOf(filled) <= 1
  let arrived = 0
  const { starts } = queue.keys
  const byInput = rowsByInput(starts, order)
  for (let input = 0; input < byInput.length; input++) {
    const outputRows = byInput[input]!
    if (outputRows.length === 0) continue
    const block = opened.open(input)
    const rowOf = placesOf(outputRows, order, starts[input]!, block.meta.rows)
    const picks = picksOf(rowOf, outputRows.length)
    arrivals.set(picks.rows, arrived)
    arrived += picks.rows.length
    const isRoom = addRows(buffer, block, picks, rowOf, sizes, fits)
    releaseArrays(rowOf, picks.indexes, picks.rows)
    if (!isRoom) return (shareOf(buffer) * rows) / arrived
    if (opened.bytesRead() >= merge.pauseAtBytes) {
      yield
      merge.pauseAtBytes = opened.bytesRead() + pauseBytes
    }
  }
  finishBuffer(buffer, queue.keys, order, arrivals)
  return shareOf(buffer)
}

/** The greatest share of a limit that a buffer takes. */
function shareOf({ values, attributes, textUnits }: BlockBuffer): number {
  return Math.max(values / mergeValuesMax, attributes.length / (blockColumnsMax - systemColumns.length), textUnits / blockTextUnitsMax)
}

/**
 * The rows of the output that come from each input, ascending, by a counting sort. Like all functions here that loop over
 * numbers it makes no object with number fields: see encode/extent.ts.
 */
function rowsByInput(starts: Uint32Array, order: Uint32Array): Uint16Array[] {
  const inputs = inputsOf(starts, order)
  const ends = new Uint32Array(starts.length - 1)
  for (let row = 0; row < inputs.length; row++) ends[inputs[row]!]!++
  for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!
  const grouped = new Uint16Array(inputs.length)
  for (let row = inputs.length - 1; row >= 0; row--) grouped[--ends[inputs[row]!]!] = row
  return Array.from(ends, (start, input) => grouped.subarray(start, ends[input + 1] ?? inputs.length))
}

/** The row of the output that each row of an input becomes, -1 where it is none of `outputRows`. */
function placesOf(outputRows: Uint16Array, order: Uint32Array, firstRow: number, inputRows: number): Int32Array {
  const places = new Int32Array(inputRows).fill(-1)
  for (let i = 0; i < outputRows.length; i++) places[order[outputRows[i]!]! - firstRow] = outputRows[i]!
  return places
}

function picksOf(rowOf: Int32Array, count: number): Picks {
  const indexes = new Uint32Array(count)
  const rows = new Uint16Array(count)
  let at = 0
  for (let row = 0; row < rowOf.length; row++) {
    if (rowOf[row]! < 0) continue
    indexes[at] = row
    rows[at++] = rowOf[row]!
  }
  return { indexes, rows }
}
