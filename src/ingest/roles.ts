import { severityFrom } from '../core/severity.ts'
import { parseTimestamp, timestampFromBigint, timestampFromNumber } from '../core/time.ts'
import type { EncodableRow } from '../engine/row.ts'
import type { FieldRule } from './field_rules.ts'

/**
 * Reads a field's value into its role of the row and answers whether it could. Which scheme, unit or form a value has is
 * decided by the field's name and the value alone, never by other records, so that a retry makes the same row.
 */
export function fillRole(row: EncodableRow, value: unknown, rule: FieldRule): boolean {
  switch (rule.role) {
    case 'timestamp':
      return readTimestamp(row, value, rule)
    case 'severity':
      return readSeverity(row, value, rule)
    case 'source':
      return readSource(row, value, rule)
    case 'message':
      return readMessage(row, value, rule)
  }
}

function readTimestamp(row: EncodableRow, value: unknown, rule: FieldRule): boolean {
  const instant =
    typeof value === 'string'
      ? parseTimestamp(value)
      : typeof value === 'number'
        ? timestampFromNumber(value)
        : typeof value === 'bigint'
          ? timestampFromBigint(value)
          : undefined
  if (instant === undefined) return false
  // In a foreign field 1970-01-01T00:00:00Z is a clock that was not set, as in OpenTelemetry's timeUnixNano.
  if (instant.ms === 0 && instant.ns === 0 && rule.fault === undefined) return false
  row.timestampMs = instant.ms
  row.timestampNs = instant.ns
  return true
}

function readSeverity(row: EncodableRow, value: unknown, rule: FieldRule): boolean {
  const severity = severityFrom(value, rule.scheme)
  if (severity === undefined) return false
  row.severity = severity
  return true
}

/** An empty text names no source, but in Edgelog's own field it says that there is none. */
function readSource(row: EncodableRow, value: unknown, rule: FieldRule): boolean {
  if (isNumber(value)) row.source = String(value)
  else if (typeof value === 'string' && (value !== '' || rule.name === 'source')) row.source = value
  else return false
  return true
}

/** Under Edgelog's own name numbers and booleans are messages too; under others only text is. */
function readMessage(row: EncodableRow, value: unknown, rule: FieldRule): boolean {
  if (typeof value === 'string') {
    // Docker keeps the line break of each line it captured.
    row.message = rule.name === 'log' && value.endsWith('\n') ? value.slice(0, value.endsWith('\r\n') ? -2 : -1) : value
    return true
  }
  if (rule.name !== 'message' || !(isNumber(value) || typeof value === 'boolean')) return false
  row.message = String(value)
  return true
}

/** An infinite number is one that no double holds, so its text has to be read again. */
function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))
}
