import type { Block, Column } from '../block/types.ts'
import type { AttributeValue, StoredRow } from '../row.ts'

/** Parquet has one type for a column: attributes whose values have several, and integers beyond 2^53, become text. */
export type ParquetType = 'number' | 'boolean' | 'text'

/** Types of all attributes of a file, in the order in which they were met. */
export type AttributeTypes = Map<string, ParquetType>

/** Takes in the attributes of rows. */
export function noteRows(types: AttributeTypes, rows: readonly Pick<StoredRow, 'attributes'>[]): void {
  for (const { attributes } of rows) {
    for (const [name, value] of Object.entries(attributes)) note(types, name, typeOf(value))
  }
}

/** Takes in the attributes of a block; reads only columns whose directory does not tell. */
export function noteBlock(types: AttributeTypes, block: Block): void {
  for (const column of block.attributes) for (const type of typesOf(column)) note(types, column.name, type)
}

function note(types: AttributeTypes, name: string, type: ParquetType): void {
  const known = types.get(name)
  if (known === undefined) types.set(name, type)
  else if (known !== type) types.set(name, 'text')
}

function typeOf(value: AttributeValue): ParquetType {
  if (typeof value === 'number') return 'number'
  return typeof value === 'boolean' ? 'boolean' : 'text'
}

function typesOf(column: Column): ParquetType[] {
  if (column.range !== undefined) return ['number']
  if (column.hasText) return ['text']
  const data = column.data()
  if (data.kind === 'constant') return [typeOf(data.value)]
  return data.kind === 'dictionary' || data.kind === 'mixed' ? data.values.map(typeOf) : []
}
