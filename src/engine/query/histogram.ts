import { severities } from '../../core/severity.ts'
import type { Bitmap } from '../bitmap.ts'
import { bitmapForEach } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import type { Aggregate } from './aggregate.ts'
import { numbersOfColumn } from './column_numbers.ts'
import type { Histogram } from './types.ts'

/** Matching rows by time bucket and severity. What lies in one bucket as a whole needs no page when its counts answer. */
export function createHistogram({ bucketMs }: { bucketMs: number }): Aggregate<Histogram> {
  const buckets = new Map<number, number[]>()

  function countsOf(startMs: number): number[] {
    let counts = buckets.get(startMs)
    if (counts === undefined) {
      counts = severities.map(() => 0)
      buckets.set(startMs, counts)
    }
    return counts
  }

  function add(block: Block, found: Bitmap): void {
    const msOf = numbersOfColumn(block.system('timestamp'))
    const severityOf = numbersOfColumn(block.system('severity'))
    let startMs = NaN
    let counts: number[] = []
    bitmapForEach(found, (row) => {
      const ms = msOf(row)
      // Not true for NaN: the first row always looks its bucket up.
      if (!(ms >= startMs && ms < startMs + bucketMs)) {
        startMs = Math.floor(ms / bucketMs) * bucketMs
        counts = countsOf(startMs)
      }
      counts[severityOf(row)]!++
    })
  }

  return {
    fields: [{ system: 'timestamp' }, { system: 'severity' }],
    add,
    addCounts({ minMs, maxMs, severityCounts }, mask) {
      const bucket = Math.floor(minMs / bucketMs)
      if (bucket !== Math.floor(maxMs / bucketMs)) return false
      if (!severityCounts.some((count, i) => count > 0 && mask & (1 << i))) return true
      const counts = countsOf(bucket * bucketMs)
      for (const [i, count] of severityCounts.entries()) if (mask & (1 << i)) counts[i]! += count
      return true
    },
    result: () => ({
      buckets: Array.from(buckets, ([startMs, counts]) => ({ startMs, counts })).sort((a, b) => a.startMs - b.startMs),
    }),
  }
}
