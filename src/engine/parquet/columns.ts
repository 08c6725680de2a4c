import type { ColumnSource, SchemaElement } from 'hyparquet-writer'
import { encodeLogId } from '../../core/ids.ts'
import { severities } from '../../core/severity.ts'
import type { AttributeValue, StoredRow } from '../row.ts'
import { attributeOf } from '../row.ts'
import type { AttributeTypes, ParquetType } from './attribute_types.ts'

/** A row and the number of its shard, which makes its id; without it the row has none. */
export interface ParquetRow {
  row: StoredRow
  shard?: number | undefined
}

export interface ParquetColumn {
  element: SchemaElement
  encoding?: ColumnSource['encoding']
  value(row: ParquetRow): unknown
}

/** Goes before the name of an attribute that another column has, or that a column cannot have. */
const attributePrefix = 'attributes.'

/** Every column of a file: those that each log has, then the attributes. */
export function parquetColumns(types: AttributeTypes): ParquetColumn[] {
  const taken = new Set(ownColumns.map(({ element }) => element.name))
  const attributes = Array.from(types, ([name, type]) => {
    // Readers drop a byte order mark at the start of a name, and some know no empty name.
    let columnName = /^(?:\ufeff|$)/.test(name) ? attributePrefix + name : name
    while (taken.has(columnName)) columnName = attributePrefix + columnName
    taken.add(columnName)
    return attributeColumn(columnName, name, type)
  })
  return [...ownColumns, ...attributes]
}

const text = (name: string): SchemaElement => ({ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' })
const int64 = (name: string): SchemaElement => ({ name, type: 'INT64', repetition_type: 'REQUIRED' })
const time = (name: string, unit: 'MICROS' | 'MILLIS'): SchemaElement => ({
  ...int64(name),
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit },
})

/**
 * Event times reach to the year 2286, and nanoseconds in 64 bits only to 2262: so microseconds, and beside them the
 * nanoseconds that are left. Together they are exact.
 */
const ownColumns: readonly ParquetColumn[] = [
  {
    element: time('timestamp', 'MICROS'),
    encoding: 'DELTA_BINARY_PACKED',
    value: ({ row }) => BigInt(row.timestampMs) * 1000n + BigInt(Math.floor(row.timestampNs / 1000)),
  },
  { element: { name: 'timestamp_nanos', type: 'INT32', repetition_type: 'REQUIRED' }, value: ({ row }) => row.timestampNs % 1000 },
  { element: text('severity'), value: ({ row }) => severities[row.severity] },
  { element: text('source'), value: ({ row }) => row.source },
  { element: text('message'), value: ({ row }) => row.message },
  { element: time('created_at', 'MILLIS'), encoding: 'DELTA_BINARY_PACKED', value: ({ row }) => BigInt(row.createdMs) },
  {
    element: { ...time('updated_at', 'MILLIS'), repetition_type: 'OPTIONAL' },
    value: ({ row }) => (row.updatedMs === 0 ? null : BigInt(row.updatedMs)),
  },
  {
    element: { ...text('id'), repetition_type: 'OPTIONAL' },
    value: ({ row, shard }) => (shard === undefined ? null : encodeLogId(shard, row.seq)),
  },
  { element: int64('seq'), encoding: 'DELTA_BINARY_PACKED', value: ({ row }) => BigInt(row.seq) },
]

const physical = {
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
} as const satisfies Record<ParquetType, Partial<SchemaElement>>

function attributeColumn(columnName: string, name: string, type: ParquetType): ParquetColumn {
  return {
    element: { name: columnName, ...physical[type], repetition_type: 'OPTIONAL' },
    value({ row }) {
      const value: AttributeValue | undefined = attributeOf(row.attributes, name)
      if (value === undefined) return null
      return type === 'text' ? String(value) : value
    },
  }
}
