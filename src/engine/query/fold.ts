import type { Bitmap } from '../bitmap.ts'
import { bitmapCount } from '../bitmap.ts'
import type { Block, BlockMeta, Column } from '../block/types.ts'
import { systemColumns } from '../block/format.ts'
import type { Aggregate } from './aggregate.ts'
import type { Filter } from './ast.ts'
import { severityMaskOfFilter } from './block_filter.ts'
import { evaluate } from './evaluate.ts'
import { columnOf } from './select.ts'
import type { View } from './types.ts'
import { isWhollyVisible } from './visible_rows.ts'

/** A block or a segment, by its metadata. */
export interface Whole {
  meta: Pick<BlockMeta, 'minMs' | 'maxMs' | 'firstSeq' | 'rows' | 'severityCounts'>
  lastSeq?: number | undefined
  minCreatedMs?: number | undefined
  hidden?: readonly number[] | undefined
}

/** Feeds one aggregate from blocks, hot or sealed, and counts the rows. */
export type Fold = ReturnType<typeof createFold>

export function createFold(aggregate: Aggregate<unknown>, filter: Filter) {
  const mask = severityMaskOfFilter(filter)
  let rowsMatched = 0

  function addWhole({ meta, lastSeq, minCreatedMs, hidden }: Whole, view: View): boolean {
    if (mask === undefined || aggregate.addCounts === undefined || (hidden !== undefined && hidden.length > 0)) return false
    const { minMs, maxMs, firstSeq, rows, severityCounts } = meta
    const extent = { minMs, maxMs, firstSeq, lastSeq: lastSeq ?? firstSeq + rows - 1, minCreatedMs }
    if (!isWhollyVisible(extent, view) || !aggregate.addCounts(meta, mask)) return false
    rowsMatched += severityCounts.reduce((sum, count, i) => (mask & (1 << i) ? sum + count : sum), 0)
    return true
  }

  function add(block: Block, found: Bitmap): void {
    const matched = bitmapCount(found)
    if (matched === 0) return
    // What is damaged shows now, so that no block is added in part.
    for (const column of columnsOf(aggregate, block)) {
      column.presence()
      column.data()
    }
    aggregate.add(block, found)
    rowsMatched += matched
  }

  return {
    /** Adds a block or segment by its metadata alone; false when that does not say enough. */
    addWhole,
    /** Adds the matching rows of an open block; throws BlockError, and adds nothing, when it is damaged. */
    addBlock(block: Block, view: View, hidden: readonly number[] | undefined): void {
      const { range } = block.system('seq')
      const whole = { meta: block.meta, lastSeq: range?.max, minCreatedMs: block.system('created').range?.min, hidden }
      if (!addWhole(whole, view)) add(block, evaluate(filter, block, view, hidden))
    },
    add,
    rowsMatched: () => rowsMatched,
  }
}

/** The columns that the aggregate reads of a block. */
export function columnsOf({ fields }: Aggregate<unknown>, block: Block): Column[] {
  if (fields !== null) return fields.flatMap((field) => columnOf(block, field) ?? [])
  return [...systemColumns.map((name) => block.system(name)), ...block.attributes]
}
