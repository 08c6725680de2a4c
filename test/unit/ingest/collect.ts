import { decodeRecords } from '../../../src/ingest/decode.ts'
import type { BodyShape } from '../../../src/ingest/decode.ts'
import { severities } from '../../../src/core/severity.ts'
import { formatTimestamp } from '../../../src/core/time.ts'
import type { AttributeValue } from '../../../src/engine/row.ts'

export interface PlainRow {
  timestamp: string
  severity: string
  source: string
  message: string
  attributes: Record<string, AttributeValue>
}

/** When the records of these tests are received. */
export const receivedMs = Date.UTC(2027, 0, 1)
export const received = '2027-01-01T00:00:00.000Z'

/** Decodes a body and copies what the sink is given. */
export function collect(
  body: string | Uint8Array,
  type: 'json' | 'ndjson',
): { rows: PlainRow[]; errors: [number, string][]; shape: BodyShape } {
  const rows: PlainRow[] = []
  const errors: [number, string][] = []
  const shape = decodeRecords(Buffer.from(body as string), type, receivedMs, {
    row: ({ timestampMs, timestampNs, severity, source, message, names, values }) => {
      const attributes: PlainRow['attributes'] = Object.create(null) as PlainRow['attributes']
      for (const [i, name] of names.entries()) attributes[name] = values[i]!
      rows.push({
        timestamp: formatTimestamp(timestampMs, timestampNs),
        severity: severities[severity] ?? '?',
        source,
        message,
        attributes: { ...attributes },
      })
    },
    reject: (index, reason) => errors.push([index, reason]),
  })
  return { rows, errors, shape }
}

/** The row of one NDJSON line. */
export function rowOf(record: unknown): PlainRow {
  const { rows, errors } = collect(typeof record === 'string' ? record : JSON.stringify(record), 'ndjson')
  const [row] = rows
  if (row === undefined) throw new Error(`rejected: ${errors[0]?.[1]}`)
  return row
}

/** Why a record is rejected. */
export function reasonOf(record: unknown): string {
  const { rows, errors } = collect(typeof record === 'string' ? record : JSON.stringify(record), 'ndjson')
  const [error] = errors
  if (error === undefined) throw new Error(`kept: ${JSON.stringify(rows[0])}`)
  return error[1]
}
