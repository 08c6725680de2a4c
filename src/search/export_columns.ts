import type { LogJson } from '../engine/log_json.ts'
import { logJson, ndjsonLine } from '../engine/log_json.ts'
import { resolveField } from '../engine/query/fields.ts'
import type { StoredRow } from '../engine/row.ts'
import { attributeOf } from '../engine/row.ts'
import { csvLine, withoutFormula } from '../core/csv.ts'

type JsonValue = LogJson[keyof LogJson] | LogJson['attributes'][string] | undefined

/** One column of an export. */
interface Column {
  name: string
  /** Undefined or null when the log has no such field. */
  value(log: LogJson): JsonValue
}

const usualColumns = ['id', 'timestamp', 'severity', 'source', 'message', 'attributes', 'created_at', 'updated_at']

/** The columns that `fields` names, or all that a log has. A name is resolved as in a query. */
function exportColumns(fields: readonly string[] = usualColumns): Column[] {
  return fields.map((name) => ({ name, value: valueOf(name) }))
}

/** Text of a CSV cell: attributes as JSON; numbers as they are; text so that no spreadsheet runs it. */
function csvCellText(value: JsonValue): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return withoutFormula(value)
  return JSON.stringify(value)
}

/** How an export writes a log. */
export interface ExportFormat {
  format: 'csv' | 'ndjson'
  /** Columns in this order instead of the usual ones. */
  fields?: readonly string[] | undefined
}

/** Writes a log as a line of the file. */
export function lineWriter({ format, fields }: ExportFormat): (row: StoredRow, shard: number) => string {
  if (format === 'ndjson' && fields === undefined) return ndjsonLine
  const columns = exportColumns(fields)
  if (format === 'ndjson') return (row, shard) => ndjsonColumns(row, shard, columns)
  return (row, shard) => {
    const log = logJson(row, shard)
    return csvLine(columns.map(({ value }) => csvCellText(value(log))))
  }
}

/** What stands before the first line. */
export function headLine({ format, fields }: ExportFormat): string {
  return format === 'csv' ? csvLine(exportColumns(fields).map(({ name }) => withoutFormula(name))) : ''
}

/** One line of NDJSON with these columns only. */
function ndjsonColumns(row: StoredRow, shard: number, columns: readonly Column[]): string {
  const log = logJson(row, shard)
  return `${JSON.stringify(Object.fromEntries(columns.map(({ name, value }) => [name, value(log)] as const)))}\n`
}

function valueOf(name: string): Column['value'] {
  if (name === 'id' || name === 'attributes') return (log) => log[name]
  const field = resolveField(name)
  if ('attribute' in field) return (log) => attributeOf(log.attributes, field.attribute)
  const key = field.system === 'created' ? 'created_at' : field.system === 'updated' ? 'updated_at' : field.system
  return (log) => log[key]
}
