import { fieldNamesMax } from '../../core/limits.ts'
import type { Bitmap } from '../bitmap.ts'
import { bitmapAnd, bitmapCount } from '../bitmap.ts'
import type { Block, Column } from '../block/types.ts'
import type { Aggregate } from './aggregate.ts'
import { resolveField } from './fields.ts'

/** `other`: integers beyond 2^53, or values of several types. */
export const fieldTypes = ['text', 'number', 'boolean', 'other'] as const

/** One attribute among some rows. Plain data. */
export interface FieldCount {
  /** The attribute's own name. */
  name: string
  /** Rows that have it. */
  rows: number
  /** Blocks that have it by the type of its values there, in the order of `fieldTypes`. */
  blocks: number[]
}

export interface FieldTable {
  fields: FieldCount[]
  /** There were more names than are kept; those of fewest rows were dropped. */
  isCut: boolean
}

/**
 * Which attributes the rows have. Where all rows of a block match, its directory says so; else the lists of who has what are
 * read, never a value.
 */
export function createFields(): Aggregate<FieldTable> {
  let table = createTable()
  return {
    fields: null,
    add(block, found) {
      for (const column of block.attributes) {
        const rows = rowsWith(column, found, block)
        if (rows === 0) continue
        const field = fieldOf(table, column.name)
        field.rows += rows
        field.blocks[typeOf(column)]!++
      }
      table = cut(table)
    },
    result: () => ({ fields: [...table.byName.values()], isCut: table.isCut }),
  }
}

export function mergeFields(tables: readonly FieldTable[]): FieldTable {
  let merged = createTable()
  for (const { fields, isCut } of tables) {
    merged.isCut ||= isCut
    for (const { name, rows, blocks } of fields) {
      const field = fieldOf(merged, name)
      field.rows += rows
      for (const [type, count] of blocks.entries()) field.blocks[type]! += count
    }
    merged = cut(merged)
  }
  return { fields: [...merged.byName.values()].sort(compareFields), isCut: merged.isCut }
}

/** The attribute's name as a query must write it. */
export function queryNameOf(name: string): string {
  const field = resolveField(name)
  return 'attribute' in field && field.attribute === name ? name : `attributes.${name}`
}

interface OpenFields {
  byName: Map<string, FieldCount>
  isCut: boolean
}

function createTable(): OpenFields {
  return { byName: new Map(), isCut: false }
}

function fieldOf({ byName }: OpenFields, name: string): FieldCount {
  let field = byName.get(name)
  if (field === undefined) byName.set(name, (field = { name, rows: 0, blocks: fieldTypes.map(() => 0) }))
  return field
}

/** Twice as many as are kept may come together, so that dropping is rare. */
function cut(table: OpenFields): OpenFields {
  if (table.byName.size <= 2 * fieldNamesMax) return table
  const kept = [...table.byName.values()].sort(compareFields).slice(0, fieldNamesMax)
  return { byName: new Map(kept.map((field) => [field.name, field])), isCut: true }
}

/** Most rows first, ties by name. */
function compareFields(a: FieldCount, b: FieldCount): number {
  return b.rows - a.rows || (a.name < b.name ? -1 : 1)
}

function rowsWith(column: Column, found: Bitmap, { meta }: Block): number {
  const matched = bitmapCount(found)
  if (column.count === meta.rows) return matched
  if (matched === meta.rows) return column.count
  const both = { length: found.length, words: found.words.slice() }
  bitmapAnd(both, column.presence()!)
  return bitmapCount(both)
}

/** The type of a column's values as far as its directory entry tells. */
function typeOf(column: Column): number {
  const isBoolean = column.distinct !== undefined && column.distinct <= 2 && (column.mayHaveToken('true') || column.mayHaveToken('false'))
  if (column.range !== undefined) return 1
  if (column.hasText) return 0
  return isBoolean ? 2 : 3
}
