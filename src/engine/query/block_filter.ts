import type { BlockFacts, BlockMeta } from '../block/types.ts'
import type { Filter, Leaf } from './ast.ts'
import { columnMayMatch } from './column_select.ts'
import { anyMayMatch, severityMayMatch } from './filter_any.ts'
import { timeMayMatch } from './filter_time.ts'
import { matcherOf } from './matchers.ts'
import type { TimeRange } from './types.ts'

/** False when the metadata alone shows that no row of the block (or segment) can match: it need not be opened. */
export function metaMayMatch(filter: Filter, meta: Pick<BlockMeta, 'minMs' | 'maxMs' | 'severityCounts'>): boolean {
  return leavesMayMatch(filter, (leaf) => {
    if (leaf.kind === 'severity') return severityMayMatch(leaf.mask, meta)
    return leaf.kind !== 'time' || timeMayMatch(leaf, meta)
  })
}

/** False when the head shows that no row can match, by token filters and ranges: no page need be read. */
export function mayMatch(filter: Filter, block: BlockFacts): boolean {
  return leavesMayMatch(filter, (leaf) => leafMayMatch(leaf, block))
}

function leavesMayMatch(filter: Filter, test: (leaf: Leaf) => boolean): boolean {
  switch (filter.kind) {
    case 'all':
    case 'not':
      return true
    case 'and':
      return filter.filters.every((part) => leavesMayMatch(part, test))
    case 'or':
      return filter.filters.some((part) => leavesMayMatch(part, test))
    default:
      return test(filter)
  }
}

function leafMayMatch(leaf: Leaf, block: BlockFacts): boolean {
  if (leaf.kind === 'severity') return severityMayMatch(leaf.mask, block.meta)
  if (leaf.kind === 'time') return timeMayMatch(leaf, block.meta)
  if (leaf.kind === 'exists') return !('attribute' in leaf.field) || block.attribute(leaf.field.attribute) !== undefined
  if (leaf.field === null) return anyMayMatch(matcherOf(leaf), block)
  const column = 'attribute' in leaf.field ? block.attribute(leaf.field.attribute) : block.system(leaf.field.system)
  return column !== undefined && columnMayMatch(column, matcherOf(leaf))
}

/**
 * The severities that match, when that is all the filter asks: then counts per severity answer it. Undefined for any
 * other filter.
 */
export function severityMaskOfFilter(filter: Filter): number | undefined {
  switch (filter.kind) {
    case 'all':
      return allSeverities
    case 'severity':
      return filter.mask
    case 'not': {
      const mask = severityMaskOfFilter(filter.filter)
      return mask === undefined ? undefined : allSeverities & ~mask
    }
    case 'and':
    case 'or': {
      const masks = filter.filters.map(severityMaskOfFilter)
      if (!masks.every((mask) => mask !== undefined)) return undefined
      return filter.kind === 'and' ? masks.reduce((a, b) => a & b) : masks.reduce((a, b) => a | b)
    }
    default:
      return undefined
  }
}

const allSeverities = 0b111111

/** Does the block lie in the range as a whole? */
export function isInRange({ minMs, maxMs }: Pick<BlockMeta, 'minMs' | 'maxMs'>, range: TimeRange): boolean {
  return minMs >= range.fromMs && maxMs < range.toMs
}
