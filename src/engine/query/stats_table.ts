import { statsCellsMax, statsStateBytesMax } from '../../core/limits.ts'
import type { Measure } from './stats_measures.ts'
import { addCell, bytesOfCell, createState, mergeState } from './stats_measures.ts'
import type { GroupKey, StatsTable } from './stats_types.ts'

/** A table that grows, with what finds its groups and cells by their key as JSON. */
export interface OpenTable {
  readonly table: StatsTable
  readonly measures: readonly Measure[]
  groupOf: Map<string, number>
  cellOf: Map<string, number>
}

export function createTable(measures: readonly Measure[]): OpenTable {
  const states = measures.map(({ kind }) => createState(kind))
  return {
    table: { groups: [], cellGroups: [], cellStartMs: [], cellRows: [], states, isPruned: false },
    measures,
    groupOf: new Map(),
    cellOf: new Map(),
  }
}

/** Index of a cell, which is made when it is new. */
export function findCell(open: OpenTable, key: GroupKey, startMs: number): number {
  const keyText = JSON.stringify(key)
  const text = startMs === 0 ? keyText : keyText + startMs
  let cell = open.cellOf.get(text)
  if (cell === undefined) {
    const { table } = open
    cell = table.cellRows.length
    open.cellOf.set(text, cell)
    table.cellGroups.push(findGroup(open, key, keyText))
    table.cellStartMs.push(startMs)
    table.cellRows.push(0)
    for (const state of table.states) addCell(state)
  }
  return cell
}

function findGroup({ table, groupOf }: OpenTable, key: GroupKey, keyText: string): number {
  let group = groupOf.get(keyText)
  if (group === undefined) {
    group = table.groups.length
    groupOf.set(keyText, group)
    // Where groups were dropped, this may be one of them, and rows of it gone.
    table.groups.push({ key, isComplete: !table.isPruned })
  }
  return group
}

/** Adds the statistics of other rows; those of groups that `isKept` (by index) refuses are left out. */
export function addTable(open: OpenTable, from: StatsTable, isKept: (group: number) => boolean = () => true): void {
  const { table } = open
  const met = new Set<number>()
  const into = Int32Array.from(from.cellGroups, (group, cell) =>
    isKept(group) ? findCell(open, from.groups[group]!.key, from.cellStartMs[cell]!) : -1,
  )
  for (const [cell, target] of into.entries()) {
    if (target < 0) continue
    table.cellRows[target]! += from.cellRows[cell]!
    const group = table.groups[table.cellGroups[target]!]!
    group.isComplete &&= from.groups[from.cellGroups[cell]!]!.isComplete
    met.add(table.cellGroups[target]!)
  }
  for (const [i, state] of table.states.entries()) mergeState(state, from.states[i]!, into)
  // A group that the other does not have may be one that it dropped.
  if (from.isPruned) for (const [i, group] of table.groups.entries()) if (!met.has(i)) group.isComplete = false
  table.isPruned ||= from.isPruned
}

/**
 * The table itself, or, when it has too many cells or bytes, one with the groups of most rows that are half as much: what is
 * asked of many groups is mostly their top. One group always stays.
 */
export function pruned(open: OpenTable): OpenTable {
  const { table, measures } = open
  const bytesOf = table.cellGroups.map((_, cell) => table.states.reduce((sum, state) => sum + bytesOfCell(state, cell), cellBytes))
  if (bytesOf.length <= statsCellsMax && sumOf(bytesOf) <= statsStateBytesMax) return open
  const groups = table.groups.map((_, group) => ({ group, cells: 0, rows: 0, bytes: 0 }))
  for (const [cell, group] of table.cellGroups.entries()) {
    const each = groups[group]!
    each.cells++
    each.rows += table.cellRows[cell]!
    each.bytes += bytesOf[cell]!
  }
  groups.sort((a, b) => b.rows - a.rows)
  const kept = new Set<number>()
  let cells = 0
  let bytes = 0
  for (const each of groups) {
    cells += each.cells
    bytes += each.bytes
    if (kept.size > 0 && (cells > statsCellsMax / 2 || bytes > statsStateBytesMax / 2)) break
    kept.add(each.group)
  }
  const smaller = createTable(measures)
  addTable(smaller, table, (group) => kept.has(group))
  smaller.table.isPruned = true
  return smaller
}

/** Key, places in maps and the entries that every cell has. */
const cellBytes = 200

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0)
}
