import { releaseArrays } from '../../core/buffers.ts'
import type { BlockBuffer } from '../block/block_buffer.ts'
import type { ColumnBuffer } from '../block/column_buffer.ts'
import { bytesOfEntries, startOf } from '../block/text_entries.ts'
import type { RowKeys } from './merge_order.ts'

/** With fewer values than this share of the rows, sorting them costs less than a look at every row. */
const sparseShare = 1 / 16

/**
 * Finishes a buffer whose values stand in the order of their arrival: arrival k of a column that all rows have belongs to row
 * rowOf[k]. `order` has the number of each row of the output, whose times and sequence numbers are in `keys`.
 */
export function finishBuffer(buffer: BlockBuffer, keys: RowKeys, order: Uint32Array, rowOf: Uint16Array): void {
  const rows = order.length
  const { timestamp, nanos, seq, ...copied } = buffer.system
  fill(timestamp, order, keys.ms, keys.baseMs)
  fill(nanos, order, keys.ns, 0)
  fill(seq, order, keys.seq, keys.baseSeq)
  buffer.rows = rows
  buffer.minMs = timestamp.numbers![0]!
  buffer.maxMs = timestamp.numbers![rows - 1]!
  const all = arrivalsOfAll(rowOf)
  const scratch = new Uint32Array(rows)
  for (const column of Object.values(copied)) arrange(column, all)
  for (const column of buffer.attributes) {
    const arrivals = column.count === rows ? all : arrivalsOf(column, scratch)
    const arrived = column.rows
    column.rows = arrivals === undefined ? arrived.slice(0, column.count) : Uint16Array.from(arrivals, (arrival) => arrived[arrival]!)
    releaseArrays(arrived)
    arrange(column, arrivals)
  }
  const severities = copied.severity.numbers!
  for (let row = 0; row < rows; row++) buffer.severityCounts[severities[row]!]!++
}

/** A column of numbers that the order of the rows has read; an empty list stands for zeros. */
function fill(column: ColumnBuffer, order: Uint32Array, values: Uint32Array | Float64Array, base: number): void {
  const numbers = new Float64Array(order.length)
  if (values.length > 0) for (let row = 0; row < order.length; row++) numbers[row] = values[order[row]!]! + base
  column.count = numbers.length
  column.numbers = numbers
}

/** Which arrival belongs to each row; undefined when they arrived in order. */
function arrivalsOfAll(rowOf: Uint16Array): Uint32Array | undefined {
  if (isAscending(rowOf, rowOf.length)) return undefined
  const arrivals = new Uint32Array(rowOf.length)
  for (let arrival = 0; arrival < rowOf.length; arrival++) arrivals[rowOf[arrival]!] = arrival
  return arrivals
}

/** The arrivals of a column that not all rows have, in the order of their rows; `scratch` has room for each row. */
function arrivalsOf({ rows, count }: ColumnBuffer, scratch: Uint32Array): Uint32Array | undefined {
  if (isAscending(rows, count)) return undefined
  if (count < scratch.length * sparseShare) {
    const packed = new Uint32Array(count)
    for (let arrival = 0; arrival < count; arrival++) packed[arrival] = rows[arrival]! * 0x1_0000 + arrival
    return packed.sort().map((each) => each & 0xffff)
  }
  scratch.fill(0)
  for (let arrival = 0; arrival < count; arrival++) scratch[rows[arrival]!] = arrival + 1
  const arrivals = new Uint32Array(count)
  let at = 0
  for (let row = 0; row < scratch.length; row++) if (scratch[row] !== 0) arrivals[at++] = scratch[row]! - 1
  return arrivals
}

function isAscending(rows: Uint16Array, count: number): boolean {
  for (let i = 1; i < count; i++) if (rows[i]! < rows[i - 1]!) return false
  return true
}

/** Puts the values of a column in the order of their rows, and sums up its texts. */
function arrange(column: ColumnBuffer, arrivals: Uint32Array | undefined): void {
  const { count, numbers, codes, texts } = column
  if (codes === undefined) {
    if (arrivals !== undefined) column.numbers = gathered(numbers!, new Float64Array(count), arrivals)
    return
  }
  const arranged = arrivals === undefined ? codes : gathered(codes, new Uint32Array(count), arrivals)
  column.codes = arranged
  if (texts === undefined) {
    inOrderOfUse(column, arranged)
    return
  }
  const { ends } = texts
  column.entryUnits = bytesOfEntries(texts)
  column.textUnits = 0
  for (let i = 0; i < count; i++) column.textUnits += ends[arranged[i]!]! - startOf(texts, arranged[i]!)
}

/** Puts the entries in the order of their first use, as they stand in a column that was filled row by row. */
function inOrderOfUse(column: ColumnBuffer, codes: Uint32Array): void {
  const { entries } = column
  const newCodes = new Int32Array(entries.length).fill(-1)
  column.entries = []
  for (let i = 0; i < column.count; i++) {
    const code = codes[i]!
    if (newCodes[code]! < 0) newCodes[code] = column.entries.push(entries[code]!) - 1
    codes[i] = newCodes[code]!
  }
}

function gathered<T extends Float64Array | Uint32Array | Uint16Array>(values: T, target: T, arrivals: Uint32Array): T {
  for (let i = 0; i < arrivals.length; i++) target[i] = values[arrivals[i]!]!
  releaseArrays(values)
  return target
}
