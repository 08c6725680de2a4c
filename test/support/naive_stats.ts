import { severities } from '../../src/core/severity.ts'
import { formatTimestamp } from '../../src/core/time.ts'
import type { StatsFunction, StatsPlan } from '../../src/engine/query/stats_types.ts'
import type { AttributeValue, StoredRow } from '../../src/engine/row.ts'
import { attributeOf } from '../../src/engine/row.ts'

export interface NaiveGroup {
  key: (string | null)[]
  rows: StoredRow[]
  /** Rows by the start of their bucket; none without buckets. */
  buckets: Map<number, StoredRow[]>
}

/** The groups of some rows by their key as JSON, in the plainest way. */
export function groupNaively(plan: StatsPlan, rows: readonly StoredRow[]): Map<string, NaiveGroup> {
  const groups = new Map<string, NaiveGroup>()
  if (plan.by.length === 0) groups.set('[]', { key: [], rows: [], buckets: new Map() })
  for (const row of rows) {
    const key = plan.by.map((field) => textOf(row, field))
    const text = JSON.stringify(key)
    const group = groups.get(text) ?? { key, rows: [], buckets: new Map<number, StoredRow[]>() }
    groups.set(text, group)
    group.rows.push(row)
    if (plan.bucketMs === null) continue
    const startMs = row.timestampMs - (row.timestampMs % plan.bucketMs)
    group.buckets.set(startMs, [...(group.buckets.get(startMs) ?? []), row])
  }
  return groups
}

/** What a function gives over some rows, exactly; a sum as doubles add it up one by one. */
export function computeNaively(each: StatsFunction, rows: readonly StoredRow[]): number | bigint | null {
  const values = rows.map((row) => (each.field === null ? row.seq : valueOf(row, each.field))).filter((value) => value !== undefined)
  const numbers = values.filter((value) => typeof value === 'number' || typeof value === 'bigint')
  const doubles = numbers.map(Number).sort((a, b) => a - b)
  const sorted = numbers.toSorted((a, b) => (a < b ? -1 : Number(a > b)))
  const sum = doubles.reduce((total, value) => total + value, 0)
  switch (each.name) {
    case 'count':
      return values.length
    case 'count_distinct':
      return new Set(values.map(String)).size
    case 'sum':
      return doubles.length === 0 ? null : sum
    case 'avg':
      return doubles.length === 0 ? null : sum / doubles.length
    case 'min':
      return sorted[0] ?? null
    case 'max':
      return sorted.at(-1) ?? null
    case 'percentile':
      return doubles[Math.floor((each.percentile / 100) * (doubles.length - 1))] ?? null
  }
}

function valueOf(row: StoredRow, field: string): AttributeValue | undefined {
  switch (field) {
    case 'message':
    case 'source':
      return row[field] || undefined
    case 'severity':
      return row.severity
    case 'timestamp':
      return row.timestampMs
    case 'updated_at':
      return row.updatedMs || undefined
    default:
      return attributeOf(row.attributes, field)
  }
}

function textOf(row: StoredRow, field: string): string | null {
  const value = valueOf(row, field)
  if (value === undefined) return null
  if (field === 'severity') return severities[row.severity]!
  return field === 'timestamp' || field === 'updated_at' ? formatTimestamp(Number(value), 0) : String(value)
}
