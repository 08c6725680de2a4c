import { queryBlockBytes } from '../../core/limits.ts'
import { noReadCost } from '../block/read_cost.ts'
import type { Block } from '../block/types.ts'
import type { Filter } from './ast.ts'
import { workOf } from './matchers.ts'
import type { BlockList } from './block_list.ts'
import type { BlockSource, QueryCost } from './types.ts'

/** Keeps account of one operation. */
export interface Meter {
  readonly cost: QueryCost
  /** True once the budget is used up: by decompression, by blocks opened, or by conditions that are slow to test. */
  isSpent(): boolean
  /** Opens a block and lets `work` look at it; the block counts as read when that took a page. */
  read<T>(source: BlockSource, work: (block: Block) => T): T
}

/** Counts what an operation over these blocks reads; its budget is in decompressed bytes. */
export function createMeter(sources: BlockList, filter: Filter, budgetBytes: number): Meter {
  const read = noReadCost()
  const cost = { ...noCost(), blocksConsidered: sources.length, blocksSkipped: sources.length }
  const worked = workOf(filter)
  const workedBefore = worked()
  let opened = 0
  for (const { meta } of sources) cost.bytesConsidered += meta.bytes
  return {
    cost,
    isSpent: () => read.bytesDecompressed + opened * queryBlockBytes + worked() - workedBefore >= budgetBytes,
    read(source, work) {
      const pagesBefore = read.pagesRead
      opened++
      const result = work(source.open(read))
      if (read.pagesRead > pagesBefore) {
        cost.blocksRead++
        cost.blocksSkipped--
      }
      cost.bytesRead = read.bytesRead
      cost.bytesDecompressed = read.bytesDecompressed
      return result
    },
  }
}

export function noCost(): QueryCost {
  return { blocksConsidered: 0, blocksSkipped: 0, blocksRead: 0, bytesConsidered: 0, bytesRead: 0, bytesDecompressed: 0, rowsMatched: 0 }
}
