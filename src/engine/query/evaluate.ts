import type { Bitmap } from '../bitmap.ts'
import { bitmapEmpty, bitmapIsEmpty } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import type { Filter } from './ast.ts'
import { mayMatch } from './block_filter.ts'
import { select } from './select.ts'
import type { View } from './types.ts'
import { visibleRows } from './visible_rows.ts'

/**
 * The rows of the block that match and are visible. Reads no page when the head rules all rows out. Throws `BlockError`
 * when the block is damaged, `QueryTooSlowError` when a condition is too slow for it.
 */
export function evaluate(filter: Filter, block: Block, view: View, hidden?: readonly number[]): Bitmap {
  if (!mayMatch(filter, block)) return bitmapEmpty(block.meta.rows)
  const visible = visibleRows(block, view, hidden)
  return bitmapIsEmpty(visible) ? visible : select(filter, block, visible)
}
