import type { Bitmap } from '../bitmap.ts'
import { bitmapEmpty, bitmapForEach, bitmapSet } from '../bitmap.ts'
import type { Block, BlockMeta } from '../block/types.ts'
import type { Leaf } from './ast.ts'
import { numbersOfColumn } from './column_numbers.ts'
import type { Matcher } from './matcher.ts'

export type TimeLeaf = Extract<Leaf, { kind: 'time' }>

/** Whole milliseconds that can pass: [fromMs, toMs], both inclusive. */
function timeBounds({ min, max }: TimeLeaf): { fromMs: number; toMs: number } {
  return { fromMs: min?.value.ms ?? -Infinity, toMs: max?.value.ms ?? Infinity }
}

/** False when no row of the block can pass, by its smallest and greatest event time. */
export function timeMayMatch(leaf: TimeLeaf, { minMs, maxMs }: Pick<BlockMeta, 'minMs' | 'maxMs'>): boolean {
  const { fromMs, toMs } = timeBounds(leaf)
  return leaf.column !== 'timestamp' || (maxMs >= fromMs && minMs <= toMs)
}

/** Event times, to the nanosecond. */
export function selectTimestamp(leaf: TimeLeaf, block: Block, candidates: Bitmap): Bitmap {
  const selected = bitmapEmpty(candidates.length)
  const { fromMs, toMs } = timeBounds(leaf)
  const msOf = numbersOfColumn(block.system('timestamp'))
  bitmapForEach(candidates, (row) => {
    const ms = msOf(row)
    if (ms < fromMs || ms > toMs) return
    if ((ms === fromMs || ms === toMs) && !passes(leaf, ms, block.timestampNs(row))) return
    bitmapSet(selected, row)
  })
  return selected
}

/** Times of receipt and of the last patch, which are whole milliseconds; 0 means never. */
export function timeMatcher(leaf: TimeLeaf): Matcher {
  const { fromMs, toMs } = timeBounds(leaf)
  return {
    tokens: [[]],
    scalars: true,
    numbers: { min: Math.max(fromMs, 1), max: toMs, sure: false },
    text: () => false,
    scalar: (value) => Number(value) > 0 && passes(leaf, Number(value), 0),
  }
}

function passes({ min, max }: TimeLeaf, ms: number, ns: number): boolean {
  if (min !== undefined) {
    const difference = ms - min.value.ms || ns - min.value.ns
    if (min.inclusive ? difference < 0 : difference <= 0) return false
  }
  if (max === undefined) return true
  const difference = ms - max.value.ms || ns - max.value.ns
  return max.inclusive ? difference <= 0 : difference < 0
}
