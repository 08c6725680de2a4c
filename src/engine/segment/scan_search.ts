import { scanAheadBytes } from '../../core/limits.ts'
import { bitmapCount, bitmapIsEmpty } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import type { Filter } from '../query/ast.ts'
import { numbersOfColumn } from '../query/column_numbers.ts'
import { columnsToEvaluate } from '../query/columns_read.ts'
import { evaluate } from '../query/evaluate.ts'
import { compareInOrder } from '../query/position.ts'
import { frontierBefore, isBehind } from '../query/search.ts'
import type { SearchOptions } from '../query/search.ts'
import type { PageRow, SearchPage } from '../query/search_page.ts'
import { createSearchPage, rangeBehind, rangeUpTo } from '../query/search_page.ts'
import { topRows } from '../query/top_rows.ts'
import type { Position } from '../query/types.ts'
import { ahead } from './scan_ahead.ts'
import type { SealedBlock, SealedEntry } from './scan_blocks.ts'
import { fetchColumns, sealedBlocks } from './scan_blocks.ts'
import type { OpenBlocks } from './scan_open.ts'
import type { ScanRun } from './scan_run.ts'
import type { ScanTarget } from './scan_types.ts'

/** A row that a search found, not yet read whole. */
export interface FoundRow {
  place: SealedEntry
  row: number
}

/** What a search found: rows up to the frontier (see `SearchRows`). */
export interface FoundRows {
  rows: PageRow<FoundRow>[]
  frontier: Position | null
  budgetEnded: boolean
  rowsMatched: number
}

export interface FindOptions extends SearchOptions {
  /** The search ends where the next block begins once it has found so many rows. */
  rowsEnough?: number | undefined
}

/** A search fetches ahead only after it has looked at two blocks, for most end with the first one; then twice as much each time. */
const aheadBytesFirst = 256 * 1024

/**
 * The first matching rows behind `after` in sealed segments, over all targets, in the asked order, by their places. As
 * `searchBlocks` does with hot blocks: no block is read that begins behind the last row needed, and the budget is passed
 * where ending would give a frontier no further than `after`.
 */
export async function findRows(
  run: ScanRun,
  targets: readonly ScanTarget[],
  filter: Filter,
  options: FindOptions,
  open: OpenBlocks,
): Promise<FoundRows> {
  const { order, limit, after, until, rowsEnough = Infinity } = options
  const range = rangeUpTo(rangeBehind(targets[0]?.view.range ?? { fromMs: 0, toMs: 0 }, after, order), until, order)
  const page = createSearchPage<FoundRow>(order, limit, until)
  const load = (sealed: SealedBlock) => fetchColumns(run, sealed, columnsToFind(sealed, filter))
  const weightMax = (taken: number) => Math.min(scanAheadBytes, aheadBytesFirst * (2 ** (taken - 1) - 1))
  let start = after
  let rowsMatched = 0
  /** Where the search ends when it has to: at the next block or segment, but not before it is past where it began. */
  let end: Position | undefined
  const endAt = (edgeMs: number) => {
    const frontier = frontierBefore(edgeMs, order)
    start ??= frontier
    return (page.size() >= rowsEnough || run.isSpent()) && compareInOrder(order, start, frontier) < 0 ? frontier : undefined
  }
  const isOver = (edgeMs: number) => (end = endAt(edgeMs)) !== undefined
  for await (const { item, loaded } of ahead(sealedBlocks(run, targets, { filter, order, range, isOver }), {
    load,
    weightOf: ({ waitingBytes }) => waitingBytes,
    weightMax,
    drop: open.drop,
  })) {
    try {
      if (run.isMissing(item.segment)) continue
      const bound = page.bound()
      if (bound !== undefined && isBehind(item.edgeMs, bound, order)) {
        page.add([], true)
        end = undefined
        break
      }
      const here = endAt(item.edgeMs)
      if (here !== undefined) {
        end = here
        break
      }
      await run.look(item.segment, item.n, async () => {
        await loaded
        const matched = await findInBlock(run, item, filter, page, { order, limit, after, bound })
        rowsMatched += matched
        if (matched > 0) open.keep(item)
      })
    } finally {
      open.drop(item)
    }
    open.trim()
  }
  // Rows behind `until` were never looked for.
  if (until !== undefined) page.add([], true)
  return { ...page.finish(end ?? null), budgetEnded: end !== undefined && page.size() < rowsEnough, rowsMatched }
}

/** Adds the rows of a block that may stand on the page; answers how many matched. */
async function findInBlock(
  run: ScanRun,
  sealed: SealedBlock,
  filter: Filter,
  page: SearchPage<FoundRow>,
  { order, limit, after, bound }: SearchOptions & { bound: Position | undefined },
): Promise<number> {
  const { block, hidden, target } = sealed
  const { shard } = target
  const view = { ...target.view, range: rangeUpTo(rangeBehind(target.view.range, after, order), bound, order) }
  await fetchColumns(run, sealed, columnsToEvaluate(filter, block, view, hidden))
  const found = evaluate(filter, block, view, hidden)
  if (bitmapIsEmpty(found)) {
    if (bound !== undefined) page.add([], true)
    return 0
  }
  await fetchColumns(run, sealed, placeColumns(block))
  const { rows, isCut } = topRows(block, found, { shard, order, limit, after })
  const [msOf, nsOf, seqOf] = [numbersOfColumn(block.system('timestamp')), numbersOfColumn(block.system('nanos')), block.seq]
  const placed = rows.map((row) => ({
    position: { ms: msOf(row), ns: nsOf(row), shard, seq: seqOf(row) },
    item: { place: sealed.place, row },
    bytes: 0,
  }))
  page.add(placed, isCut || bound !== undefined)
  return bitmapCount(found)
}

function columnsToFind(sealed: SealedBlock, filter: Filter) {
  const { block, hidden, target } = sealed
  return [...columnsToEvaluate(filter, block, target.view, hidden), ...placeColumns(block)]
}

/** What says the place of a row in the order of all rows. */
function placeColumns(block: Block) {
  return [block.system('timestamp'), block.system('nanos'), block.system('seq')]
}
