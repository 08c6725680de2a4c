import { shardReplyBytesMax } from '../../core/limits.ts'
import type { Filter } from '../query/ast.ts'
import type { MergedRows } from '../query/merge.ts'
import type { SearchOptions } from '../query/search.ts'
import type { PageRow } from '../query/search_page.ts'
import { approximateBytes } from '../query/search_page.ts'
import type { Position } from '../query/types.ts'
import type { StoredRow } from '../row.ts'
import type { ScanOptions } from './scan.ts'
import type { SealedBlock, SealedEntry } from './scan_blocks.ts'
import type { OpenBlocks } from './scan_open.ts'
import { createOpenBlocks } from './scan_open.ts'
import type { ScanRun } from './scan_run.ts'
import { createScanRun } from './scan_run.ts'
import type { FoundRow } from './scan_search.ts'
import { findRows } from './scan_search.ts'
import type { ScanTarget, SegmentScan } from './scan_types.ts'

/** A row read whole. */
export interface ReadRow {
  position: Position
  row: StoredRow
}

/** Rows that are read whole at a time, and blocks that they may stand in: what is in memory beside the open blocks. */
const sliceRows = 512
const sliceBlocks = 8
/** Where this part of a block's rows is wanted, its body is read as a whole. */
const wholeShare = 1 / 8

/** One page of a search over sealed segments, its rows read whole; fewer when they are large. */
export async function searchSegments(
  targets: readonly ScanTarget[],
  filter: Filter,
  options: SearchOptions,
  { budgetBytes, reader }: ScanOptions,
): Promise<SegmentScan<MergedRows<StoredRow>>> {
  const run = createScanRun(filter, budgetBytes, reader)
  const open = createOpenBlocks(run, filter)
  try {
    return await searchOpen(run, targets, filter, options, open)
  } finally {
    open.close()
  }
}

async function searchOpen(
  run: ScanRun,
  targets: readonly ScanTarget[],
  filter: Filter,
  options: SearchOptions,
  open: OpenBlocks,
): Promise<SegmentScan<MergedRows<StoredRow>>> {
  const found = await findRows(run, targets, filter, options, open)
  const rows: MergedRows<StoredRow>['rows'] = []
  let last: Position | null = null
  let bytes = 0
  for await (const slice of readRows(run, found.rows, open)) {
    for (const { position, row } of slice) {
      bytes += approximateBytes(row)
      if (last !== null && bytes > shardReplyBytesMax) return run.finish({ rows, frontier: last }, false, found.rowsMatched)
      rows.push({ shard: position.shard, row })
      last = position
    }
  }
  return run.finish({ rows, frontier: found.frontier }, found.budgetEnded, found.rowsMatched)
}

/** The rows read whole, in order, slice by slice; those of blocks that turn out damaged are left out. */
export async function* readRows(run: ScanRun, found: readonly PageRow<FoundRow>[], open: OpenBlocks): AsyncGenerator<ReadRow[]> {
  const wanted = new Map<SealedEntry, number>()
  for (const { item } of found) wanted.set(item.place, (wanted.get(item.place) ?? 0) + 1)
  for (const slice of slices(found)) {
    const read: (ReadRow | undefined)[] = []
    const groups = Map.groupBy(slice.keys(), (i) => slice[i]!.item.place)
    await Promise.all(
      Array.from(groups, async ([place, places]) => {
        const sealed = await open.get(place)
        if (sealed === undefined) return
        const rows = places.map((i) => slice[i]!.item.row)
        await run.attempt(place.segment, `block ${place.n}`, async () => {
          await fetchRows(run, sealed, rows, wanted.get(place)!)
          for (const [n, row] of sealed.block.materialise(rows).entries()) read[places[n]!] = { position: slice[places[n]!]!.position, row }
        })
      }),
    )
    open.trim()
    yield read.filter((each) => each !== undefined)
  }
}

/** Reads what building these rows takes; all of the body when `wanted` rows of the block are. */
export async function fetchRows(
  run: ScanRun,
  { segment, entry, block, body }: SealedBlock,
  rows: readonly number[],
  wanted: number,
): Promise<void> {
  if (wanted >= entry.meta.rows * wholeShare && !body.has(0, entry.bodyBytes)) {
    await run.reader.body(segment, entry, body, [{ start: 0, end: entry.bodyBytes }])
  }
  for (let ranges = block.missingRanges(rows); ranges.length > 0; ranges = block.missingRanges(rows)) {
    await run.reader.body(segment, entry, body, ranges)
  }
}

function* slices(found: readonly PageRow<FoundRow>[]): Generator<PageRow<FoundRow>[]> {
  let slice: PageRow<FoundRow>[] = []
  let blocks = new Set<SealedEntry>()
  for (const each of found) {
    blocks.add(each.item.place)
    if (slice.length === sliceRows || blocks.size > sliceBlocks) {
      yield slice
      slice = []
      blocks = new Set([each.item.place])
    }
    slice.push(each)
  }
  if (slice.length > 0) yield slice
}
