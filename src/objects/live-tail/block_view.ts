import { bitmapForEach } from '../../engine/bitmap.ts'
import { noReadCost } from '../../engine/block/read_cost.ts'
import { openBlock } from '../../engine/block/reader.ts'
import { logJson } from '../../engine/log_json.ts'
import type { Filter } from '../../engine/query/ast.ts'
import { evaluate } from '../../engine/query/evaluate.ts'
import { everything } from '../../engine/query/visible_rows.ts'
import type { TailBlock } from '../log-shard/protocol.ts'

/** A block as the tail sees it: which rows match a filter, and rows as JSON. Throws BlockError when it is damaged. */
export interface BlockView {
  /** Row numbers, ascending. */
  select(filter: Filter): readonly number[]
  /** One JSON text a row, in the given order. */
  texts(rows: readonly number[]): string[]
  /** Frees what was read of the block; it cannot be asked any more. */
  release(): void
}

/**
 * Opens a delivered block, once for all subscribers whose filters look at it. A tail shows new rows: none has expired,
 * and what is erased is hidden one by one.
 */
export function createBlockView(shard: number, { meta, head, body, hidden }: TailBlock): BlockView {
  const block = openBlock(meta, head, () => body, noReadCost())
  return {
    select(filter) {
      const rows: number[] = []
      bitmapForEach(evaluate(filter, block, everything, hidden), (row) => rows.push(row))
      return rows
    },
    texts: (rows) => block.materialise(rows).map((row) => JSON.stringify(logJson(row, shard))),
    release: () => block.release(),
  }
}
