import type { Bitmap } from '../bitmap.ts'
import { bitmapForEach } from '../bitmap.ts'
import type { BlockBuffer } from '../block/block_buffer.ts'
import type { ColumnBuffer, ExpectedSize } from '../block/column_buffer.ts'
import { createColumn } from '../block/column_buffer.ts'
import type { Block, Column } from '../block/types.ts'
import { addEntries, addMixed, addNumbers, addTexts, textBytesOf } from './merge_values.ts'

/** Rows of one input that go into a block of the output. */
export interface Picks {
  /** Rows of the input, ascending; for a column that not all rows have, indexes among its values. */
  indexes: Uint32Array
  /** Row of the output that each of them becomes. */
  rows: Uint16Array
}

/** What the columns of the block before took, by name: the next one's are much the same. */
export type ColumnSizes = ReadonlyMap<string, ExpectedSize>

/** A little more than the columns of `buffer` take. */
export function sizesOf({ system, attributes }: BlockBuffer): ColumnSizes {
  const some = (size: number) => size + (size >>> 3)
  return new Map(
    [...attributes, ...Object.values(system)].map((column) => [
      column.name,
      { values: some(column.count), textBytes: some(textBytesOf(column)) },
    ]),
  )
}

/** The system columns that a merge copies; time and sequence number were read to order the rows. */
const copiedColumns = ['severity', 'source', 'message', 'created', 'updated'] as const

/**
 * Adds rows of an opened block to the columns of `buffer`: row r becomes row rowOf[r] of the output, or stays out where that
 * is -1; `all` are the same. Answers false as soon as `fits` says that the buffer holds too much.
 */
export function addRows(
  buffer: BlockBuffer,
  block: Block,
  all: Picks,
  rowOf: Int32Array,
  sizes: ColumnSizes,
  fits: (buffer: BlockBuffer) => boolean,
): boolean {
  for (const name of copiedColumns) {
    addColumn(buffer, buffer.system[name], block.system(name), all)
    if (!fits(buffer)) return false
  }
  // Columns that the same rows have share a bitmap.
  const known = new Map<Bitmap, Picks>()
  for (const column of block.attributes) {
    const picks = picksOf(column, all, rowOf, known)
    if (picks.rows.length === 0) continue
    addColumn(buffer, attributeColumn(buffer, column.name, sizes), column, picks)
    buffer.values += picks.rows.length
    if (!fits(buffer)) return false
  }
  return true
}

function picksOf(column: Column, all: Picks, rowOf: Int32Array, known: Map<Bitmap, Picks>): Picks {
  const presence = column.presence()
  if (presence === undefined) return all
  let picks = known.get(presence)
  if (picks === undefined) known.set(presence, (picks = picksOfSome(presence, column.count, rowOf)))
  return picks
}

function picksOfSome(presence: Bitmap, count: number, rowOf: Int32Array): Picks {
  const indexes = new Uint32Array(count)
  const rows = new Uint16Array(count)
  let index = 0
  let picked = 0
  bitmapForEach(presence, (row) => {
    if (rowOf[row]! >= 0) {
      indexes[picked] = index
      rows[picked++] = rowOf[row]!
    }
    index++
  })
  return { indexes: indexes.subarray(0, picked), rows: rows.subarray(0, picked) }
}

function attributeColumn(buffer: BlockBuffer, name: string, sizes: ColumnSizes): ColumnBuffer {
  let column = buffer.attributeOf.get(name)
  if (column === undefined) {
    column = createColumn(undefined, name, sizes.get(name))
    buffer.attributeOf.set(name, column)
    buffer.attributes.push(column)
  }
  return column
}

function addColumn(buffer: BlockBuffer, target: ColumnBuffer, source: Column, picks: Picks): void {
  const before = textBytesOf(target)
  const data = source.data()
  if (data.kind === 'number') addNumbers(target, data.values, undefined, picks)
  else if (data.kind === 'text') addTexts(target, data.pages, picks)
  else if (data.kind === 'mixed') addMixed(target, data.values, picks)
  else if (data.kind === 'constant') addEntries(target, [data.value], undefined, picks)
  else addEntries(target, data.values, data.codes, picks)
  buffer.textUnits += textBytesOf(target) - before
}
