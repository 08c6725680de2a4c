import { scanReadsMax } from '../../core/limits.ts'
import { BlockError } from '../block/block_error.ts'
import { blockMemoryBytes } from '../block/block_memory.ts'
import type { Filter } from '../query/ast.ts'
import { createMeter } from '../query/cost.ts'
import type { Damage, QueryCost } from '../query/types.ts'
import type { BlockOutline } from './outline.ts'
import type { SegmentReader } from './scan_reader.ts'
import { SegmentMissingError } from './scan_reader.ts'
import type { SegmentScan } from './scan_types.ts'
import type { SegmentIndex, SegmentMeta } from './types.ts'

/** Looking at an outline takes as long as decompressing about this part of its bytes. */
const outlineShare = 8

/** One scan at work: its account, and what it could not read. */
export type ScanRun = ReturnType<typeof createScanRun>

/** `worked`: see `Aggregate.worked`. */
export function createScanRun(filter: Filter, budgetBytes: number, reader: SegmentReader, worked?: () => number) {
  const meter = createMeter(filter, budgetBytes, worked)
  const damaged: Damage[] = []
  const missing = new Set<string>()
  const readFrom = new Set<string>()
  let segmentsConsidered = 0

  /** Does work on a segment; where it is damaged or not there, that is noted, and the answer is undefined. */
  async function attempt<T>({ key }: SegmentMeta, what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof SegmentMissingError) missing.add(key)
      else if (error instanceof BlockError) damaged.push({ segment: key, reason: `${what}: ${error.message}` })
      else throw error
      return undefined
    }
  }

  return {
    meter,
    reader,
    consider(count: number): void {
      segmentsConsidered += count
    },
    isSpent: () => meter.isSpent() || reader.cost.objectReads >= scanReadsMax,
    /** The index of a segment; what it takes in memory counts as work, since a scan may ask for very many. */
    async index(segment: SegmentMeta): Promise<SegmentIndex> {
      const index = await reader.index(segment)
      meter.charge(index.memoryBytes)
      return index
    },
    /** The outline of a block. Making it opens the block's head, which counts as work; looking at it is next to nothing. */
    outline(segment: SegmentMeta, index: SegmentIndex, n: number): BlockOutline {
      const outline = reader.outline(segment, index, n, ({ columns }) => meter.charge(blockMemoryBytes(columns, 0, 0)))
      meter.charge(outline.memoryBytes / outlineShare)
      return outline
    },
    isMissing: ({ key }: SegmentMeta) => missing.has(key),

    attempt,

    /** Looks at pages of a block of a segment. */
    async look(segment: SegmentMeta, n: number, work: () => Promise<void>): Promise<void> {
      const close = meter.open()
      readFrom.add(segment.key)
      await attempt(segment, `block ${n}`, work)
      close()
    },

    finish<R>(result: R, budgetEnded: boolean, rowsMatched: number): SegmentScan<R> {
      const cost: QueryCost = { ...meter.cost(rowsMatched), ...reader.cost, segmentsConsidered, segmentsRead: readFrom.size }
      return { result, budgetEnded, cost, damaged, missing: [...missing] }
    },
  }
}
