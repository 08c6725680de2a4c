import { queryBlockBytes } from '../../core/limits.ts'
import { noReadCost } from '../block/read_cost.ts'
import type { BlockMeta, ReadCost } from '../block/types.ts'
import type { Filter } from './ast.ts'
import { workOf } from './matchers.ts'
import type { QueryCost } from './types.ts'

/** Keeps account of one operation. */
export interface Meter {
  /** Give it to what opens blocks. */
  readonly read: ReadCost
  /** A block is among those that the operation is about, whether or not it is then looked at. */
  consider(meta: BlockMeta): void
  /** Looks at a block that was opened; it counts as read when that took a page. */
  look<T>(work: () => T): T
  /** True once the budget is used up: by decompression, by blocks opened, or by conditions that are slow to test. */
  isSpent(): boolean
  /** What it has cost so far, given the rows that matched. */
  cost(rowsMatched: number): QueryCost
}

/** Counts what an operation reads; its budget is in decompressed bytes. */
export function createMeter(filter: Filter, budgetBytes: number): Meter {
  const read = noReadCost()
  const sum = noCost()
  const worked = workOf(filter)
  const workedBefore = worked()
  let opened = 0
  return {
    read,
    consider({ bytes }) {
      sum.blocksConsidered++
      sum.bytesConsidered += bytes
    },
    look(work) {
      const pagesBefore = read.pagesRead
      opened++
      try {
        return work()
      } finally {
        if (read.pagesRead > pagesBefore) sum.blocksRead++
      }
    },
    isSpent: () => read.bytesDecompressed + opened * queryBlockBytes + worked() - workedBefore >= budgetBytes,
    cost(rowsMatched) {
      const { bytesRead, bytesDecompressed } = read
      return { ...sum, blocksSkipped: sum.blocksConsidered - sum.blocksRead, bytesRead, bytesDecompressed, rowsMatched }
    },
  }
}

export function noCost(): QueryCost {
  return {
    segmentsConsidered: 0,
    segmentsRead: 0,
    blocksConsidered: 0,
    blocksSkipped: 0,
    blocksRead: 0,
    bytesConsidered: 0,
    bytesRead: 0,
    bytesDecompressed: 0,
    objectReads: 0,
    objectBytes: 0,
    rowsMatched: 0,
  }
}
