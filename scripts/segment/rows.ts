import { noReadCost } from '../../src/engine/block/read_cost.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import type { SegmentFile } from '../../src/engine/segment/types.ts'

/** Rows that are built at a time: some tens of MB. */
const stepRows = 16_384

/** The rows of a segment in its order, a few thousand at a time. Throws BlockError when damaged. */
export function* rowsOf({ index, open }: SegmentFile): Generator<StoredRow[]> {
  for (const [n, { meta }] of index.blocks.entries()) {
    const block = open(n, noReadCost())
    for (let start = 0; start < meta.rows; start += stepRows) {
      yield block.materialise(Array.from({ length: Math.min(stepRows, meta.rows - start) }, (_, i) => start + i))
    }
  }
}

export function firstRows(segment: SegmentFile, limit: number): StoredRow[] {
  const rows: StoredRow[] = []
  if (limit === 0) return rows
  for (const part of rowsOf(segment)) {
    rows.push(...part.slice(0, limit - rows.length))
    if (rows.length === limit) break
  }
  return rows
}
