import { severities } from '../../core/severity.ts'
import { bitmapForEach } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import type { Filter } from './ast.ts'
import { severityMaskOfFilter } from './block_filter.ts'
import type { BlockList } from './block_list.ts'
import { numbersOfColumn } from './column_numbers.ts'
import { createMeter } from './cost.ts'
import { isWhole, mayContribute } from './count.ts'
import { evaluate } from './evaluate.ts'
import type { BlockSource, HistogramResult, Scope } from './types.ts'

/**
 * Matching rows by time bucket and severity. `bucketMs` is a positive integer; the caller bounds the number of buckets.
 * A block that lies in one bucket is not opened when its header counts answer.
 */
export function histogramBlocks(sources: BlockList, filter: Filter, scope: Scope, bucketMs: number): HistogramResult {
  const meter = createMeter(sources, filter, scope.budgetBytes)
  const buckets = new Map<number, number[]>()
  const mask = severityMaskOfFilter(filter)
  let budgetEnded = false
  for (const source of sources) {
    if (!mayContribute(source, filter, scope)) continue
    const { minMs, maxMs, severityCounts } = source.meta
    const first = Math.floor(minMs / bucketMs)
    if (mask !== undefined && first === Math.floor(maxMs / bucketMs) && isWhole(source, scope)) {
      const counts = countsOf(buckets, first * bucketMs)
      for (const [i, count] of severityCounts.entries()) if (mask & (1 << i)) counts[i]! += count
      continue
    }
    if (meter.isSpent()) {
      budgetEnded = true
      break
    }
    meter.read(source, (block) => countRows(block, source, { filter, scope, bucketMs }, buckets))
  }
  const filled = Array.from(buckets, ([startMs, counts]) => ({ startMs, counts })).filter(({ counts }) => counts.some((count) => count > 0))
  meter.cost.rowsMatched = filled.reduce((sum, { counts }) => sum + counts.reduce((a, b) => a + b), 0)
  return { buckets: filled.sort((a, b) => a.startMs - b.startMs), budgetEnded, cost: meter.cost }
}

function countRows(
  block: Block,
  { hidden }: BlockSource,
  { filter, scope, bucketMs }: { filter: Filter; scope: Scope; bucketMs: number },
  buckets: Map<number, number[]>,
): void {
  const found = evaluate(filter, block, scope.range, scope.maxSeq, hidden)
  if (found.words.every((word) => word === 0)) return
  const msOf = numbersOfColumn(block.system('timestamp'))
  const severityOf = numbersOfColumn(block.system('severity'))
  let startMs = NaN
  let counts: number[] = []
  bitmapForEach(found, (row) => {
    const ms = msOf(row)
    // Not true for NaN: the first row always looks its bucket up.
    if (!(ms >= startMs && ms < startMs + bucketMs)) {
      startMs = Math.floor(ms / bucketMs) * bucketMs
      counts = countsOf(buckets, startMs)
    }
    counts[severityOf(row)]!++
  })
}

function countsOf(buckets: Map<number, number[]>, startMs: number): number[] {
  let counts = buckets.get(startMs)
  if (counts === undefined) {
    counts = severities.map(() => 0)
    buckets.set(startMs, counts)
  }
  return counts
}
