import { bitmapCount } from '../bitmap.ts'
import type { Filter } from './ast.ts'
import { isInRange, metaMayMatch, severityMaskOfFilter } from './block_filter.ts'
import type { BlockList } from './block_list.ts'
import { createMeter } from './cost.ts'
import { evaluate } from './evaluate.ts'
import type { BlockSource, CountResult, Scope } from './types.ts'

/** How many rows match. Where the counts in the metadata answer, the block is not opened. */
export function countBlocks(sources: BlockList, filter: Filter, scope: Scope): CountResult {
  const meter = createMeter(sources, filter, scope.budgetBytes)
  const mask = severityMaskOfFilter(filter)
  const { cost } = meter
  for (const source of sources) {
    if (!mayContribute(source, filter, scope)) continue
    if (mask !== undefined && isWhole(source, scope)) {
      cost.rowsMatched += source.meta.severityCounts.reduce((sum, count, i) => (mask & (1 << i) ? sum + count : sum), 0)
      continue
    }
    if (meter.isSpent()) return { count: cost.rowsMatched, budgetEnded: true, cost }
    cost.rowsMatched += meter.read(source, (block) => bitmapCount(evaluate(filter, block, scope.range, scope.maxSeq, source.hidden)))
  }
  return { count: cost.rowsMatched, budgetEnded: false, cost }
}

/** False when the metadata rules out that any row of the block is counted. */
export function mayContribute({ meta }: BlockSource, filter: Filter, { range, maxSeq }: Scope): boolean {
  return meta.maxMs >= range.fromMs && meta.minMs < range.toMs && meta.firstSeq <= maxSeq && metaMayMatch(filter, meta)
}

/** True when range and snapshot hold every row of the block and none is hidden: then its header counts are right. */
export function isWhole({ meta, lastSeq, hidden }: BlockSource, { range, maxSeq }: Scope): boolean {
  return isInRange(meta, range) && (lastSeq ?? meta.firstSeq + meta.rows - 1) <= maxSeq && (hidden === undefined || hidden.length === 0)
}
