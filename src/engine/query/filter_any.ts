import type { Bitmap } from '../bitmap.ts'
import { bitmapAndNot, bitmapEmpty, bitmapIsEmpty, bitmapOr } from '../bitmap.ts'
import type { Block, BlockFacts, BlockMeta } from '../block/types.ts'
import { columnMayMatch, selectColumn } from './column_select.ts'
import { severityMaskOfMatcher, severityMatcher } from './filter_severity.ts'
import type { Matcher } from './matcher.ts'

/** A term without a field: severity name, source, any attribute or message matches. Small columns first. */
export function selectAny(matcher: Matcher, block: Block, candidates: Bitmap): Bitmap {
  const selected = bitmapEmpty(candidates.length)
  const open: Bitmap = { length: candidates.length, words: candidates.words.slice() }
  const mask = severityMaskOfMatcher(matcher)
  if (mask !== 0) selectColumn(block.system('severity'), severityMatcher(mask), open, selected)
  const columns = [block.system('source'), ...block.attributes, block.system('message')].filter((column) => columnMayMatch(column, matcher))
  for (const column of columns.sort((a, b) => a.rawBytes - b.rawBytes)) {
    bitmapAndNot(open, selected)
    if (bitmapIsEmpty(open)) break
    const found = bitmapEmpty(candidates.length)
    selectColumn(column, matcher, open, found)
    bitmapOr(selected, found)
  }
  return selected
}

/** False when neither token filters nor ranges nor severity counts leave a row that can match. */
export function anyMayMatch(matcher: Matcher, block: BlockFacts): boolean {
  if (severityMayMatch(severityMaskOfMatcher(matcher), block.meta)) return true
  if (columnMayMatch(block.system('message'), matcher) || columnMayMatch(block.system('source'), matcher)) return true
  return block.attributes.some((column) => columnMayMatch(column, matcher))
}

/** Has the block a row of one of these severities? */
export function severityMayMatch(mask: number, { severityCounts }: Pick<BlockMeta, 'severityCounts'>): boolean {
  return severityCounts.some((count, i) => count > 0 && (mask & (1 << i)) !== 0)
}
