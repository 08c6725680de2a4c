import { encodeLogId } from '../core/ids.ts'
import type { Severity } from '../core/severity.ts'
import { severities } from '../core/severity.ts'
import { formatTimestamp } from '../core/time.ts'
import type { StoredRow } from './row.ts'

/** A number that JSON.stringify writes digit by digit as it stands (see `JSON.rawJSON`). */
export interface RawJson {
  readonly rawJSON: string
}

/** A log as the API, the live tail and the export show it. `JSON.stringify` writes it exactly, big integers included. */
export interface LogJson {
  id: string
  timestamp: string
  severity: Severity
  source: string
  message: string
  attributes: Record<string, string | number | boolean | RawJson>
  created_at: string
  updated_at: string | null
}

/** The public form of a stored row; `shard` is the shard's number within its organization. */
export function logJson(row: StoredRow, shard: number): LogJson {
  return {
    id: encodeLogId(shard, row.seq),
    timestamp: formatTimestamp(row.timestampMs, row.timestampNs),
    severity: severities[row.severity] ?? 'INFO',
    source: row.source,
    message: row.message,
    attributes: attributesJson(row.attributes),
    created_at: formatTimestamp(row.createdMs, 0),
    updated_at: row.updatedMs === 0 ? null : formatTimestamp(row.updatedMs, 0),
  }
}

/** Attributes on a null-prototype object (a name may be `__proto__`), integers beyond 2^53 as raw JSON. */
export function attributesJson(attributes: StoredRow['attributes']): LogJson['attributes'] {
  const json = Object.create(null) as LogJson['attributes']
  for (const [name, value] of Object.entries(attributes)) json[name] = typeof value === 'bigint' ? rawJson(String(value)) : value
  return json
}

/** One line of JSON. */
export function stringifyLog(log: LogJson): string {
  return JSON.stringify(log)
}

/** A JSON array, for the messages that carry several logs. */
export function stringifyLogs(logs: readonly LogJson[]): string {
  return JSON.stringify(logs)
}

/** ECMAScript has it, TypeScript's library does not describe it yet. */
const rawJson = (JSON as unknown as { rawJSON(text: string): RawJson }).rawJSON
