import type { Bitmap } from '../bitmap.ts'
import type { Block } from '../block/types.ts'
import { severities } from '../../core/severity.ts'
import type { Aggregate, RowCounts } from './aggregate.ts'
import type { Field } from './ast.ts'
import { resolveField } from './fields.ts'
import { cellsOfBlock } from './stats_groups.ts'
import type { Measure, MeasureInput } from './stats_measures.ts'
import { addValues, measuresOf } from './stats_measures.ts'
import type { OpenTable } from './stats_table.ts'
import { addTable, createTable, findCell, pruned } from './stats_table.ts'
import type { GroupKey, StatsPlan, StatsTable } from './stats_types.ts'
import type { Numbers } from './stats_values.ts'
import { numbersOf, pickValues, rowsOf } from './stats_values.ts'

/** Rows after which the size of the table is looked at: they can add a few megabytes at most. */
const rowsPerCheck = 16_384

/** What looking at a value, and finding a cell by its key, takes as long as decompressing. */
const bytesPerValue = 8
const bytesPerCell = 512

/** Statistics by group and time bucket, column by column: no object is made of a row. */
export function createStats(plan: StatsPlan): Aggregate<StatsTable> {
  const measures = measuresOf(plan.functions)
  const by = plan.by.map(resolveField)
  const fields = [...by, ...measures.map(({ field }) => resolveField(field))]
  if (plan.bucketMs !== null) fields.push({ system: 'timestamp' })
  const isCounted = measures.length === 0 && by.every(isSeverity)
  let open = createTable(measures)
  let unchecked = 0
  let worked = 0
  const check = (rows: number) => {
    unchecked += rows
    if (unchecked < rowsPerCheck) return
    unchecked = 0
    open = pruned(open)
  }
  return {
    fields,
    add(block, found) {
      const { rows, cells } = addBlock(open, { by, bucketMs: plan.bucketMs }, block, found)
      worked += rows * (fields.length + 1) * bytesPerValue + cells * bytesPerCell
      check(rows)
    },
    worked: () => worked,
    ...(isCounted && { addCounts: (counts: RowCounts, mask: number) => addCounts(open, plan, counts, mask) }),
    result: () => pruned(open).table,
  }
}

/** The statistics of all rows; the order in which they are merged does not matter unless groups had to be dropped. */
export function mergeStats(plan: StatsPlan, tables: Iterable<StatsTable>): StatsTable {
  let open = createTable(measuresOf(plan.functions))
  for (const table of tables) {
    addTable(open, table)
    open = pruned(open)
  }
  return open.table
}

/** Adds the rows, answers how many they are and in how many cells. All columns are read first: a block that turns out damaged adds nothing. */
function addBlock(
  open: OpenTable,
  { by, bucketMs }: { by: readonly Field[]; bucketMs: number | null },
  block: Block,
  found: Bitmap,
): { rows: number; cells: number } {
  const rows = rowsOf(found)
  const { cells: keys, ...codes } = cellsOfBlock(block, by, bucketMs, rows)
  const values = valuesByField(open.measures, block, rows)
  const cellOfCode = new Uint32Array(keys.length)
  for (const [code, cell] of keys.entries()) if (cell !== undefined) cellOfCode[code] = findCell(open, cell.key, cell.startMs)
  const { cellRows, states } = open.table
  const cells = new Uint32Array(rows.length)
  for (let i = 0; i < cells.length; i++) {
    const cell = cellOfCode[codes.codes[i]!]!
    cells[i] = cell
    cellRows[cell]!++
  }
  for (const [i, { field }] of open.measures.entries()) {
    const read = values.get(field)
    if (read !== undefined) addValues(states[i]!, { ...read, codes, cellOfCode, cells })
  }
  return { rows: rows.length, cells: keys.length }
}

/** The values of each field that is measured and that the block has. */
function valuesByField(
  measures: readonly Measure[],
  block: Block,
  rows: Uint32Array,
): Map<string, Pick<MeasureInput, 'picked' | 'numbers'>> {
  const values = new Map<string, Pick<MeasureInput, 'picked' | 'numbers'>>()
  for (const { field } of measures) {
    const picked = values.has(field) ? undefined : pickValues(block, resolveField(field), rows)
    if (picked === undefined) continue
    let numbers: Numbers | undefined
    values.set(field, { picked, numbers: () => (numbers ??= numbersOf(picked)) })
  }
  return values
}

function isSeverity(field: Field): boolean {
  return 'system' in field && field.system === 'severity'
}

/** Where rows are only counted, by severity and bucket at most, the counts in a block's head do. */
function addCounts(open: OpenTable, { by, bucketMs }: StatsPlan, { minMs, maxMs, severityCounts }: RowCounts, mask: number): boolean {
  const bucketOf = (ms: number) => (bucketMs === null ? 0 : Math.floor(ms / bucketMs) * bucketMs)
  if (bucketOf(minMs) !== bucketOf(maxMs)) return false
  for (const [severity, count] of severityCounts.entries()) {
    if (count === 0 || (mask & (1 << severity)) === 0) continue
    const key: GroupKey = by.map(() => severities[severity]!)
    open.table.cellRows[findCell(open, key, bucketOf(minMs))]! += count
  }
  return true
}
