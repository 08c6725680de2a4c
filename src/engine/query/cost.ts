import { queryBlockBytes } from '../../core/limits.ts'
import { noReadCost } from '../block/read_cost.ts'
import type { ReadCost } from '../block/types.ts'
import type { Filter } from './ast.ts'
import { workOf } from './matchers.ts'
import type { QueryCost } from './types.ts'

/** Keeps account of one operation. */
export interface Meter {
  /** Give it to what opens blocks. */
  readonly read: ReadCost
  /** These are among what the operation is about, whether or not they are then looked at. */
  consider(blocks: number, bytes: number): void
  /** A block is looked at, until the function that this answers is called: it counts as read when that took a page. */
  open(): () => void
  /** Work that no decompression tells, as long as decompressing so many bytes takes. */
  charge(bytes: number): void
  /** True once the budget is used up: by decompression, by blocks opened, or by work that is slow, as some conditions are. */
  isSpent(): boolean
  /** What it has cost so far, given the rows that matched. */
  cost(rowsMatched: number): QueryCost
}

/** Counts what an operation reads; its budget is in decompressed bytes. `workedBeside` is work of its own, see `Aggregate.worked`. */
export function createMeter(filter: Filter, budgetBytes: number, workedBeside: () => number = () => 0): Meter {
  const read = noReadCost()
  const sum = noCost()
  const workedByFilter = workOf(filter)
  const worked = () => workedByFilter() + workedBeside()
  const workedBefore = worked()
  let opened = 0
  let charged = 0
  return {
    read,
    charge(bytes) {
      charged += bytes
    },
    consider(blocks, bytes) {
      sum.blocksConsidered += blocks
      sum.bytesConsidered += bytes
    },
    open() {
      const pagesBefore = read.pagesRead
      opened++
      return () => {
        if (read.pagesRead > pagesBefore) sum.blocksRead++
      }
    },
    isSpent: () => read.bytesDecompressed + charged + opened * queryBlockBytes + worked() - workedBefore >= budgetBytes,
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
