import { encodeLogId } from '../core/ids.ts'
import type { Severity } from '../core/severity.ts'
import { severities } from '../core/severity.ts'
import { formatTimestamp } from '../core/time.ts'
import type { StoredRow } from './row.ts'
import { setAttribute } from './row.ts'

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

/**
 * The row as one line of NDJSON, with what a producer sends and no more, so that ingesting it gives the same log again;
 * id and time of receipt belong to this store. Written piece by piece: one JSON.stringify of it all takes twice as long.
 */
export function ndjsonLine({ timestampMs, timestampNs, severity, source, message, attributes }: StoredRow): string {
  const head = `"timestamp":"${formatTimestamp(timestampMs, timestampNs)}","severity":"${severities[severity] ?? 'INFO'}"`
  const content = `"source":${JSON.stringify(source)},"message":${JSON.stringify(message)}`
  return `{${head},${content},"attributes":${JSON.stringify(attributesJson(attributes))}}\n`
}

/** The attributes themselves, or, where there are integers beyond 2^53, a copy with these as raw JSON. */
function attributesJson(attributes: StoredRow['attributes']): LogJson['attributes'] {
  if (!hasBigint(attributes)) return attributes as LogJson['attributes']
  const json: LogJson['attributes'] = {}
  for (const [name, value] of Object.entries(attributes))
    setAttribute(json, name, typeof value === 'bigint' ? rawJson(String(value)) : value)
  return json
}

function hasBigint(attributes: StoredRow['attributes']): boolean {
  for (const name in attributes) if (typeof attributes[name] === 'bigint') return true
  return false
}

/** ECMAScript has it, TypeScript's library does not describe it yet. */
export const rawJson = (JSON as unknown as { rawJSON(text: string): RawJson }).rawJSON
