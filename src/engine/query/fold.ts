import type { Bitmap } from '../bitmap.ts'
import { bitmapCount } from '../bitmap.ts'
import type { Block, BlockMeta, ByteRange, Column } from '../block/types.ts'
import type { Aggregate } from './aggregate.ts'
import type { Filter } from './ast.ts'
import { severityMaskOfFilter } from './block_filter.ts'
import { evaluate } from './evaluate.ts'
import type { Scope, View } from './types.ts'
import { isWhollyVisible } from './visible_rows.ts'

/** A block or a segment, by its metadata. */
export interface Whole {
  meta: Pick<BlockMeta, 'minMs' | 'maxMs' | 'firstSeq' | 'rows' | 'severityCounts'>
  lastSeq?: number | undefined
  minCreatedMs?: number | undefined
  hidden?: readonly number[] | undefined
}

/** Feeds one aggregate from blocks, hot or sealed, and counts the rows. */
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

  function add(block: Block, found: Bitmap, shard: number): void {
    const matched = bitmapCount(found)
    if (matched === 0) return
    // What is damaged shows now, so that no block is added in part.
    for (const part of partsOf(aggregate, block, found)) part.read()
    aggregate.add(block, found, shard)
    rowsMatched += matched
  }

  return {
    /** Adds a block or segment by its metadata alone; false when that does not say enough. */
    addWhole,
    /** Adds the matching rows of an open block; throws BlockError, and adds nothing, when it is damaged. */
    addBlock(block: Block, scope: Scope, hidden: readonly number[] | undefined): void {
      const { range } = block.system('seq')
      const whole = { meta: block.meta, lastSeq: range?.max, minCreatedMs: block.system('created').range?.min, hidden }
      if (!addWhole(whole, scope)) add(block, evaluate(filter, block, scope, hidden), scope.shard)
    },
    add,
    rowsMatched: () => rowsMatched,
  }
}

/** Part of a block that an aggregate reads. */
export interface BlockPart {
  storedRanges(): ByteRange[]
  read(): void
}

/** What the aggregate reads of a block; before the rows are found, what it reads whichever they are. */
export function partsOf({ fields }: Aggregate<unknown>, block: Block, found?: Bitmap): BlockPart[] {
  if (fields === null) return found === undefined || bitmapCount(found) === block.meta.rows ? [] : block.attributes.map(presenceOf)
  const columns = fields.flatMap((field) => ('attribute' in field ? (block.attribute(field.attribute) ?? []) : block.system(field.system)))
  return columns.map((column) => ({
    storedRanges: () => column.storedRanges(),
    read() {
      column.presence()
      column.data()
    },
  }))
}

function presenceOf(column: Column): BlockPart {
  return { storedRanges: () => column.presenceRanges(), read: () => void column.presence() }
}
