import { blockMemoryBytes } from '../block/block_memory.ts'
import { systemColumns } from '../block/format.ts'
import type { Column, StoredBlock } from '../block/types.ts'
import { within } from '../lower_bound.ts'
import type { Filter } from '../query/ast.ts'
import { metaMayMatch } from '../query/block_filter.ts'
import type { Whole } from '../query/fold.ts'
import { requiredTokens } from '../query/required_tokens.ts'
import { edgeOf } from '../query/search.ts'
import type { Order, TimeRange, View } from '../query/types.ts'
import type { BodyParts } from './body.ts'
import { createBodyParts } from './body.ts'
import type { ScanRun } from './scan_run.ts'
import type { ScanTarget } from './scan_types.ts'
import type { FilterPartition, SegmentBlockEntry, SegmentIndex, SegmentMeta } from './types.ts'

export interface BlockPlan {
  filter: Filter
  /** Blocks come by where they begin in this order. */
  order: Order
  /** Where the rows are that are wanted, within the range of the query. */
  range: TimeRange
  /** True when a block, or a whole segment, needs no further look; asked once for each. */
  isDone?(whole: Whole, view: View): boolean
  /** Whether to end where the next segment or block begins; asked before anything of it is read. */
  isOver(edgeMs: number): boolean
}

/** A block whose pages are to be read: nothing in manifest, index and token filters rules it out. */
export interface SealedBlock extends SealedEntry {
  place: SealedEntry
  entry: SegmentBlockEntry
  block: StoredBlock
  body: BodyParts
  /** What it takes while it waits to be looked at, and at most once all of it is decoded. */
  waitingBytes: number
  memoryBytes: number
}

/** A block that manifest and index do not rule out; light, so that very many can wait. */
export interface SealedEntry extends SealedSegment {
  n: number
  partitions: ReadonlyMap<number, FilterPartition>
  hidden: readonly number[]
}

/** A segment that the manifest does not rule out. */
interface SealedSegment {
  target: ScanTarget
  segment: SegmentMeta
  /** The millisecond where its rows of the range begin, in the order of the scan. */
  edgeMs: number
}

/** How many indexes are fetched before they are needed, once a scan has opened as many. */
const indexesAheadMax = 4

/** The blocks of all segments that a scan has to look at, in order, their pages not yet read. */
export async function* sealedBlocks(run: ScanRun, targets: readonly ScanTarget[], plan: BlockPlan): AsyncGenerator<SealedBlock> {
  const segments = neededSegments(run, targets, plan)
  const openings = new Map<number, Promise<readonly SealedEntry[]>>()
  const opening = (i: number) => {
    const known = openings.get(i) ?? neededEntries(run, segments[i]!, plan)
    // Seen when its turn comes; a scan that ends before must not leave it unhandled.
    known.catch(() => undefined)
    openings.set(i, known)
    return known
  }
  /** Entries of the segments that are open, the first in order at the end. */
  const waiting: SealedEntry[] = []
  let next = 0
  while (next < segments.length || waiting.length > 0) {
    const first = waiting.at(-1)
    const segment = segments[next]
    const isSegment = segment !== undefined && (first === undefined || compareEdges(segment, first, plan.order) < 0)
    if (plan.isOver(isSegment ? segment.edgeMs : first!.edgeMs)) return
    if (isSegment) {
      for (let i = next + 1; i < segments.length && i <= next + Math.min(next, indexesAheadMax); i++) void opening(i)
      waiting.push(...(await opening(next)))
      waiting.sort((a, b) => compareEdges(b, a, plan.order))
      openings.delete(next++)
    } else {
      const block = await openEntry(run, waiting.pop()!, plan.filter)
      if (block !== undefined) yield block
    }
  }
}

/** Undefined when the outline and the filters at hand rule out that a row matches, or the block is damaged. */
export function openEntry(run: ScanRun, sealed: SealedEntry, filter: Filter, opened?: SegmentIndex): Promise<SealedBlock | undefined> {
  const { n, partitions, segment } = sealed
  return run.attempt(segment, `block ${n}`, async () => {
    const index = opened ?? (await run.index(segment))
    if (filter.kind !== 'all' && !run.outline(segment, index, n).mayMatch(filter, partitions)) return undefined
    const entry = index.blocks[n]!
    const body = createBodyParts()
    const block = index.open(n, partitions, body, run.meter.read)
    const columns = block.attributes.length + systemColumns.length
    const openBytes = blockMemoryBytes(columns, 0, 0)
    run.meter.charge(openBytes)
    const memoryBytes = blockMemoryBytes(columns, entry.meta.rows, entry.rawBytes)
    return { ...sealed, place: sealed, entry, block, body, waitingBytes: openBytes + entry.bodyBytes, memoryBytes }
  })
}

/** Reads what columns of a block take and is not there yet. */
export async function fetchColumns(
  run: ScanRun,
  { segment, entry, block, body }: SealedBlock,
  columns: Iterable<Pick<Column, 'storedRanges'>>,
): Promise<void> {
  const ranges = block.storedRanges(columns).filter(({ start, end }) => !body.has(start, end))
  if (ranges.length > 0) await run.reader.body(segment, entry, body, ranges)
}

function neededSegments(run: ScanRun, targets: readonly ScanTarget[], plan: BlockPlan): SealedSegment[] {
  const needed: SealedSegment[] = []
  for (const target of targets) {
    run.consider(target.segments.length)
    for (const segment of target.segments) {
      const { minSeq: firstSeq, maxSeq: lastSeq, minMs, maxMs, rows, severityCounts, minCreatedMs, maxCreatedMs } = segment
      const part = { meta: { firstSeq, minMs, maxMs, rows, severityCounts }, lastSeq, minCreatedMs, maxCreatedMs }
      if (isNeeded(part, target, plan)) needed.push({ target, segment, edgeMs: edgeOf(segment, plan.range, plan.order) })
      else run.meter.consider(segment.blocks, segment.bytes)
    }
  }
  return needed.sort((a, b) => compareEdges(a, b, plan.order))
}

/** Reads the index of a segment, and the token filters that may rule its blocks out. */
async function neededEntries(run: ScanRun, sealed: SealedSegment, plan: BlockPlan): Promise<readonly SealedEntry[]> {
  const { target, segment } = sealed
  const index = await run.attempt(segment, 'index', () => run.index(segment))
  const partitions = new Map<number, FilterPartition>()
  const entries = (index?.blocks ?? []).flatMap((entry, n): SealedEntry[] => {
    const { meta, lastSeq } = entry
    run.meter.consider(1, meta.bytes)
    if (index === undefined || !isNeeded(entry, target, plan)) return []
    const hidden = within(target.hidden, meta.firstSeq, lastSeq)
    return [{ ...sealed, n, partitions, hidden, edgeMs: edgeOf(meta, plan.range, plan.order) }]
  })
  return index === undefined ? entries : withFilters(run, plan.filter, { segment, index, entries, partitions })
}

/** The blocks of an opened index, which look into what `partitions` holds by then. */
interface OpenedSegment {
  segment: SegmentMeta
  index: SegmentIndex
  entries: readonly SealedEntry[]
  partitions: Map<number, FilterPartition>
}

/** The blocks that their outlines, then their token filters, do not rule out. Filters that turn out damaged rule nothing out, but are named. */
async function withFilters(
  run: ScanRun,
  filter: Filter,
  { segment, index, entries, partitions }: OpenedSegment,
): Promise<readonly SealedEntry[]> {
  const tokens = requiredTokens(filter)
  if (entries.length === 0 || !tokens.some((token) => index.partitionOf(token) !== undefined)) return entries
  const possible = await possibleOf(run, filter, index, entries)
  if (possible.length === 0) return []
  const read = await run.attempt(segment, 'filters', () => run.reader.partitions(segment, index, tokens))
  for (const [number, partition] of read ?? []) partitions.set(number, partition)
  return possibleOf(run, filter, index, possible)
}

/** Those that their outlines do not rule out, with the partitions that were read by now; damaged ones are noted and left out. */
async function possibleOf(
  run: ScanRun,
  filter: Filter,
  index: SegmentIndex,
  entries: readonly SealedEntry[],
): Promise<readonly SealedEntry[]> {
  const possible: SealedEntry[] = []
  for (const entry of entries) {
    const { segment, n, partitions } = entry
    const mayMatch = await run.attempt(segment, `block ${n}`, async () => run.outline(segment, index, n).mayMatch(filter, partitions))
    if (mayMatch === true) possible.push(entry)
  }
  return possible
}

/** What a segment and a block have in common. */
interface Part extends Whole {
  lastSeq: number
  minCreatedMs: number
  maxCreatedMs: number
}

/** False when the metadata of a part rules out that a row of it matches, or says all that is asked. */
function isNeeded(part: Part, target: ScanTarget, { filter, range, isDone }: BlockPlan): boolean {
  const { view } = target
  const { minMs, maxMs, firstSeq } = part.meta
  if (maxMs < range.fromMs || minMs >= range.toMs || firstSeq > view.maxSeq || part.maxCreatedMs < view.keepFromMs) return false
  if (!metaMayMatch(filter, part.meta)) return false
  return isDone?.({ ...part, hidden: within(target.hidden, firstSeq, part.lastSeq) }, view) !== true
}

function compareEdges(a: { edgeMs: number }, b: { edgeMs: number }, order: Order): number {
  return order === 'newest' ? b.edgeMs - a.edgeMs : a.edgeMs - b.edgeMs
}
