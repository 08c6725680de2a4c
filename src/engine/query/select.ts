import type { Bitmap } from '../bitmap.ts'
import { bitmapAndNot, bitmapEmpty, bitmapIsEmpty, bitmapOr } from '../bitmap.ts'
import type { Block, Column, SystemColumn } from '../block/types.ts'
import type { Field, Filter, Leaf } from './ast.ts'
import { selectColumn } from './column_select.ts'
import { selectAny } from './filter_any.ts'
import { selectExisting } from './filter_exists.ts'
import { selectTimestamp } from './filter_time.ts'
import { matcherOf } from './matchers.ts'

/** The candidates that match; leaves `candidates` as it is. */
export function select(filter: Filter, block: Block, candidates: Bitmap): Bitmap {
  switch (filter.kind) {
    case 'all':
      return candidates
    case 'and':
      return selectAnd(filter.filters, block, candidates)
    case 'or':
      return selectOr(filter.filters, block, candidates)
    case 'not': {
      const rest = copy(candidates)
      bitmapAndNot(rest, select(filter.filter, block, candidates))
      return rest
    }
    default:
      return selectLeaf(filter, block, candidates)
  }
}

/** Cheap conditions first, so that the others look at fewer rows, or at none. */
function selectAnd(filters: readonly Filter[], block: Block, candidates: Bitmap): Bitmap {
  const ordered = filters.map((filter) => ({ filter, bytes: bytesToRead(filter, block) })).sort((a, b) => a.bytes - b.bytes)
  let selected = candidates
  for (const { filter } of ordered) {
    if (bitmapIsEmpty(selected)) break
    selected = select(filter, block, selected)
  }
  return selected
}

/** Rows that one condition found are not looked at by the next. */
function selectOr(filters: readonly Filter[], block: Block, candidates: Bitmap): Bitmap {
  const selected = bitmapEmpty(candidates.length)
  const open = copy(candidates)
  for (const filter of filters) {
    if (bitmapIsEmpty(open)) break
    const found = select(filter, block, open)
    bitmapOr(selected, found)
    bitmapAndNot(open, found)
  }
  return selected
}

function selectLeaf(leaf: Leaf, block: Block, candidates: Bitmap): Bitmap {
  if (leaf.kind === 'exists') return selectExisting(leaf.field, block, candidates)
  if (leaf.kind === 'time' && leaf.column === 'timestamp') return selectTimestamp(leaf, block, candidates)
  const matcher = matcherOf(leaf)
  matcher.begin?.()
  const field = fieldOf(leaf)
  if (field === null) return selectAny(matcher, block, candidates)
  const selected = bitmapEmpty(candidates.length)
  const column = columnOf(block, field)
  if (column !== undefined) selectColumn(column, matcher, candidates, selected)
  return selected
}

/** What a condition looks at; null: all of the row. */
export function fieldOf(leaf: Leaf): Field | null {
  if (leaf.kind === 'severity') return { system: 'severity' }
  return leaf.kind === 'time' ? { system: leaf.column } : leaf.field
}

export function columnOf(block: Block, field: Field | { system: SystemColumn }): Column | undefined {
  return 'attribute' in field ? block.attribute(field.attribute) : block.system(field.system)
}

/** Raw bytes that a condition may decompress: a fair measure of what it costs. */
function bytesToRead(filter: Filter, block: Block): number {
  switch (filter.kind) {
    case 'all':
      return 0
    case 'and':
    case 'or':
      return filter.filters.reduce((sum, part) => sum + bytesToRead(part, block), 0)
    case 'not':
      return bytesToRead(filter.filter, block)
    default: {
      const field = fieldOf(filter)
      if (field !== null) return columnOf(block, field)?.rawBytes ?? 0
      return block.attributes.reduce((sum, column) => sum + column.rawBytes, block.system('message').rawBytes)
    }
  }
}

function copy(bitmap: Bitmap): Bitmap {
  return { length: bitmap.length, words: bitmap.words.slice() }
}
