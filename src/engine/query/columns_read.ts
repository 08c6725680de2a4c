import type { Block, Column } from '../block/types.ts'
import type { Filter, Leaf } from './ast.ts'
import { isInRange } from './block_filter.ts'
import { columnMayMatch } from './column_select.ts'
import { severityMaskOfMatcher } from './filter_severity.ts'
import { matcherOf } from './matchers.ts'
import { columnOf, fieldOf } from './select.ts'
import type { View } from './types.ts'
import { mayErase } from './visible_rows.ts'

/** The columns that `evaluate` may read of a block, so that they can be fetched first. */
export function columnsToEvaluate(filter: Filter, block: Block, view: View, hidden: readonly number[] | undefined): Set<Column> {
  return new Set([...columnsOfView(block, view, hidden), ...columnsOfFilter(filter, block)])
}

function columnsOfView(block: Block, view: View, hidden: readonly number[] | undefined): Column[] {
  const columns: Column[] = []
  const created = block.system('created')
  if (created.range === undefined || created.range.min < view.keepFromMs) columns.push(created)
  const erasures = view.erasures.filter((erasure) => mayErase(block, erasure))
  for (const { range, maxSeq } of [view, ...erasures]) {
    if (!isInRange(block.meta, range)) columns.push(block.system('timestamp'))
    if ((block.system('seq').range?.max ?? Infinity) > maxSeq) columns.push(block.system('seq'))
  }
  if (hidden !== undefined && hidden.length > 0) columns.push(block.system('seq'))
  for (const { filter, createdMs } of erasures) {
    columns.push(...columnsOfFilter(filter, block))
    if ((block.system('updated').range?.max ?? Infinity) > createdMs) columns.push(block.system('updated'))
  }
  return columns
}

function columnsOfFilter(filter: Filter, block: Block): Column[] {
  switch (filter.kind) {
    case 'all':
      return []
    case 'and':
    case 'or':
      return filter.filters.flatMap((part) => columnsOfFilter(part, block))
    case 'not':
      return columnsOfFilter(filter.filter, block)
    default:
      return columnsOfLeaf(filter, block)
  }
}

function columnsOfLeaf(leaf: Leaf, block: Block): Column[] {
  const field = fieldOf(leaf)
  if (field === null) return columnsOfAny(leaf, block)
  const column = columnOf(block, field)
  if (column === undefined) return []
  if (leaf.kind === 'exists') return [column]
  if (leaf.kind === 'time' && leaf.column === 'timestamp') return [column, block.system('nanos')]
  return columnMayMatch(column, matcherOf(leaf)) ? [column] : []
}

function columnsOfAny(leaf: Leaf, block: Block): Column[] {
  if (leaf.kind === 'exists') return []
  const matcher = matcherOf(leaf)
  const columns = [block.system('source'), ...block.attributes, block.system('message')].filter((column) => columnMayMatch(column, matcher))
  return severityMaskOfMatcher(matcher) === 0 ? columns : [block.system('severity'), ...columns]
}
