import { bitmapCount } from '../bitmap.ts'
import type { Aggregate } from './aggregate.ts'
import type { Counted } from './types.ts'

/** How many rows match; the counts in the metadata always say enough. */
export function createCount(): Aggregate<Counted> {
  let count = 0
  return {
    fields: [],
    add(_, found) {
      count += bitmapCount(found)
    },
    addCounts({ severityCounts }, mask) {
      for (const [i, rows] of severityCounts.entries()) if (mask & (1 << i)) count += rows
      return true
    },
    result: () => ({ count }),
  }
}
