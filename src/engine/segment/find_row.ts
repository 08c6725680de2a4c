import { bitmapHas } from '../bitmap.ts'
import { numbersOfColumn } from '../query/column_numbers.ts'
import { columnsToEvaluate } from '../query/columns_read.ts'
import type { Damage, View } from '../query/types.ts'
import { visibleRows } from '../query/visible_rows.ts'
import type { StoredRow } from '../row.ts'
import { fetchColumns, openEntry } from './scan_blocks.ts'
import type { SealedBlock } from './scan_blocks.ts'
import type { SegmentReader } from './scan_reader.ts'
import { createScanRun } from './scan_run.ts'
import { fetchRows } from './scan_rows.ts'
import type { SegmentMeta } from './types.ts'

const all = { kind: 'all' } as const

export interface SealedRowSearch {
  /** Undefined when no segment has the row, or the view does not show it. */
  found: { segment: string; row: StoredRow } | undefined
  /** What could not be read: the row may be there. */
  damaged: Damage[]
  /** Keys of segments that were not there. */
  missing: string[]
}

/** Looks a row up in sealed segments by its sequence number. */
export async function findSealedRow(
  segments: readonly SegmentMeta[],
  seq: number,
  view: View,
  reader: SegmentReader,
): Promise<SealedRowSearch> {
  const run = createScanRun(all, Infinity, reader)
  const target = { shard: 0, segments, view, hidden: [] }
  let found: SealedRowSearch['found']
  for (const segment of segments) {
    const index = await run.attempt(segment, 'index', () => run.index(segment))
    for (const [n, { meta, lastSeq }] of index?.blocks.entries() ?? []) {
      if (found !== undefined || index === undefined || seq < meta.firstSeq || seq > lastSeq) continue
      const place = { target, segment, edgeMs: 0, n, partitions: new Map(), hidden: [] }
      const sealed = await openEntry(run, place, all, index)
      if (sealed === undefined) continue
      const row = await run.attempt(segment, `block ${n}`, () => readRow(sealed, seq, view)).finally(sealed.block.release)
      found = row && { segment: segment.key, row }
    }
  }
  const { damaged, missing } = run.finish(null, false, 0)
  return { found, damaged, missing }

  async function readRow(sealed: SealedBlock, wanted: number, shown: View): Promise<StoredRow | undefined> {
    const { block } = sealed
    await fetchColumns(run, sealed, [block.system('seq'), ...columnsToEvaluate(all, block, shown, undefined)])
    const seqOf = numbersOfColumn(block.system('seq'))
    for (let row = 0; row < block.meta.rows; row++) {
      if (seqOf(row) !== wanted) continue
      if (!bitmapHas(visibleRows(block, shown, undefined), row)) return undefined
      await fetchRows(run, sealed, [row], 1)
      return block.materialise([row])[0]
    }
    return undefined
  }
}
