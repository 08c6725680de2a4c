import { scanAheadBytes } from '../../core/limits.ts'
import { bitmapIsEmpty } from '../bitmap.ts'
import type { Filter } from '../query/ast.ts'
import { columnsToEvaluate } from '../query/columns_read.ts'
import { evaluate } from '../query/evaluate.ts'
import { createFold, partsOf } from '../query/fold.ts'
import { startAggregate } from '../query/operations.ts'
import type { AggregateOperation, ResultOf } from '../query/types.ts'
import type { Loading } from './scan_ahead.ts'
import { ahead } from './scan_ahead.ts'
import type { SealedBlock } from './scan_blocks.ts'
import { fetchColumns, sealedBlocks } from './scan_blocks.ts'
import type { SegmentReader } from './scan_reader.ts'
import { createScanRun } from './scan_run.ts'
import type { ScanTarget, SegmentScan } from './scan_types.ts'

export interface ScanOptions {
  /** The scan ends (partial) once this many raw bytes were decompressed, or other work took as long. */
  budgetBytes: number
  reader: SegmentReader
}

/**
 * An aggregating operation over sealed segments: those of all targets, whose time range is the same, into one result.
 * Whole segments and blocks are answered or ruled out by manifest, index and token filters; of the others only the columns
 * that the filter asks for are read, and those of the operation where rows match.
 */
export async function scanSegments<O extends AggregateOperation>(
  targets: readonly ScanTarget[],
  filter: Filter,
  operation: O,
  { budgetBytes, reader }: ScanOptions,
): Promise<SegmentScan<ResultOf<O>>> {
  const aggregate = startAggregate(operation)
  const run = createScanRun(filter, budgetBytes, reader, aggregate.worked)
  const fold = createFold(aggregate, filter)
  const range = targets[0]?.view.range ?? { fromMs: 0, toMs: 0 }
  let budgetEnded = false
  const isOver = () => (budgetEnded ||= run.isSpent())
  const blocks = sealedBlocks(run, targets, { filter, order: 'oldest', range, isDone: fold.addWhole, isOver })
  /** A block that passes the token filters mostly has a match: the operation's columns are read along, until one had none. */
  let isLikely = true

  const load = async (sealed: SealedBlock) => {
    const { block, target, hidden } = sealed
    const columns = columnsToEvaluate(filter, block, target.view, hidden)
    await fetchColumns(run, sealed, isLikely ? [...columns, ...partsOf(aggregate, block)] : columns)
  }

  const look = async ({ item, loaded }: Loading<SealedBlock>) => {
    await loaded
    const { block, target, hidden } = item
    const found = evaluate(filter, block, target.view, hidden)
    isLikely = !bitmapIsEmpty(found)
    if (isLikely) await fetchColumns(run, item, partsOf(aggregate, block, found))
    fold.add(block, found, target.shard)
  }

  const weightOf = ({ waitingBytes }: SealedBlock) => waitingBytes
  const drop = ({ block }: SealedBlock) => block.release()
  for await (const loading of ahead(blocks, { load, weightOf, weightMax: () => scanAheadBytes, drop })) {
    const { item } = loading
    try {
      if (run.isMissing(item.segment)) continue
      if (isOver()) break
      await run.look(item.segment, item.n, () => look(loading))
    } finally {
      drop(item)
    }
  }
  return run.finish(aggregate.result(), budgetEnded, fold.rowsMatched())
}
