import type { LogJson } from '../engine/log_json.ts'
import { logJson } from '../engine/log_json.ts'
import { resolveField } from '../engine/query/fields.ts'
import type { StoredRow } from '../engine/row.ts'
import { withoutFormula } from './csv.ts'

type JsonValue = LogJson[keyof LogJson] | LogJson['attributes'][string] | undefined

/** One column of an export. */
export interface Column {
  name: string
  /** Undefined or null when the log has no such field. */
  value(log: LogJson): JsonValue
}

const usualColumns = ['id', 'timestamp', 'severity', 'source', 'message', 'attributes', 'created_at', 'updated_at']

/** The columns that `fields` names, or all that a log has. A name is resolved as in a query. */
export function exportColumns(fields: readonly string[] = usualColumns): Column[] {
  return fields.map((name) => ({ name, value: valueOf(name) }))
}

/** Text of a CSV cell: attributes as JSON; numbers as they are; text so that no spreadsheet runs it. */
export function csvCellText(value: JsonValue): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return withoutFormula(value)
  return JSON.stringify(value)
}

/**
 * One NDJSON line. Without `columns` it has what a producer sends and no more, so that ingesting the file gives the
 * same logs again; id and time of receipt belong to this store.
 */
export function ndjsonText(row: StoredRow, shard: number, columns: readonly Column[] | undefined): string {
  const log = logJson(row, shard)
  if (columns !== undefined) {
    const entries = columns.map(({ name, value }) => [name, value(log)] as const)
    return JSON.stringify(Object.fromEntries(entries))
  }
  const { timestamp, severity, source, message, attributes } = log
  return JSON.stringify({ timestamp, severity, source, message, attributes })
}

function valueOf(name: string): Column['value'] {
  if (name === 'id' || name === 'attributes') return (log) => log[name]
  const field = resolveField(name)
  if ('attribute' in field) return (log) => log.attributes[field.attribute]
  const key = field.system === 'created' ? 'created_at' : field.system === 'updated' ? 'updated_at' : field.system
  return (log) => log[key]
}
