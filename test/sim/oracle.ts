import type { Order, Position, TimeRange } from '../../src/engine/query/types.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import type { RowChange } from '../../src/objects/log-shard/protocol.ts'
import type { Random } from './random.ts'

/** A query as text, and what it means in plain code. */
export interface OracleQuery {
  q: string
  matches(row: StoredRow): boolean
}

/** The shard as a list of rows: slow, obvious, and what the real one is measured against. */
export function createOracle(shard: number) {
  const rows: (StoredRow | null)[] = []

  function visible(query: OracleQuery, range: TimeRange, maxSeq: number): StoredRow[] {
    return rows
      .slice(0, maxSeq)
      .filter((row) => row !== null)
      .filter((row) => row.timestampMs >= range.fromMs && row.timestampMs < range.toMs && query.matches(row))
  }

  return {
    lastSeq: () => rows.length,
    get: (seq: number): StoredRow | null => rows[seq - 1] ?? null,
    visible,

    append(content: readonly Omit<StoredRow, 'seq' | 'createdMs' | 'updatedMs'>[], createdMs: number): void {
      for (const row of content) rows.push({ ...row, seq: rows.length + 1, createdMs, updatedMs: 0 })
    },

    change(seq: number, change: RowChange, updatedMs: number): void {
      const old = rows[seq - 1]
      if (!old) return
      const attributes: StoredRow['attributes'] = change.attributes?.replace === true ? {} : { ...old.attributes }
      for (const [name, value] of change.attributes?.entries ?? []) {
        if (value === null) delete attributes[name]
        else attributes[name] = value
      }
      rows[seq - 1] = {
        ...old,
        timestampMs: change.timestampMs ?? old.timestampMs,
        timestampNs: change.timestampNs ?? old.timestampNs,
        severity: change.severity ?? old.severity,
        source: change.source ?? old.source,
        message: change.message ?? old.message,
        attributes,
        updatedMs,
      }
    },

    remove(seq: number): void {
      rows[seq - 1] = null
    },

    /** Rows behind `after` in the asked order. */
    search(query: OracleQuery, range: TimeRange, maxSeq: number, order: Order, after: Position | undefined): StoredRow[] {
      const sign = order === 'newest' ? -1 : 1
      const found = visible(query, range, maxSeq).sort((a, b) => sign * compare(a, b))
      return after === undefined ? found : found.filter((row) => sign * comparePosition(row, shard, after) > 0)
    },

    /** Bucket start to counts by severity. */
    histogram(query: OracleQuery, range: TimeRange, maxSeq: number, bucketMs: number): Map<number, number[]> {
      const buckets = new Map<number, number[]>()
      for (const row of visible(query, range, maxSeq)) {
        const start = Math.floor(row.timestampMs / bucketMs) * bucketMs
        const counts = buckets.get(start) ?? [0, 0, 0, 0, 0, 0]
        counts[row.severity] = (counts[row.severity] ?? 0) + 1
        buckets.set(start, counts)
      }
      return buckets
    },
  }
}

function compare(a: StoredRow, b: StoredRow): number {
  return a.timestampMs - b.timestampMs || a.timestampNs - b.timestampNs || a.seq - b.seq
}

function comparePosition(row: StoredRow, shard: number, at: Position): number {
  return row.timestampMs - at.ms || row.timestampNs - at.ns || shard - at.shard || row.seq - at.seq
}

export const words = ['alpha', 'beta', 'gamma', 'delta', 'timeout', 'Connection', 'RESET'] as const
export const sources = ['api', 'web', 'worker'] as const

/** A random query of two levels at most. */
export function randomQuery(random: Random): OracleQuery {
  const first = randomTerm(random)
  if (random.chance(0.5)) return first
  const second = randomTerm(random)
  if (first.q === '' || second.q === '') return first
  return random.pick<() => OracleQuery>([
    () => ({ q: `(${first.q}) AND (${second.q})`, matches: (row) => first.matches(row) && second.matches(row) }),
    () => ({ q: `(${first.q}) OR (${second.q})`, matches: (row) => first.matches(row) || second.matches(row) }),
    () => ({ q: `(${first.q}) NOT (${second.q})`, matches: (row) => first.matches(row) && !second.matches(row) }),
  ])()
}

function randomTerm(random: Random): OracleQuery {
  const word = random.pick(words).toLowerCase()
  const source = random.pick(sources)
  const severity = random.below(6)
  const status = random.pick([200, 404, 500])
  return random.pick<OracleQuery>([
    { q: '', matches: () => true },
    { q: `message:${word}`, matches: (row) => row.message.toLowerCase().split(' ').includes(word) },
    {
      q: word,
      matches: (row) => [row.message, row.attributes['note']].some((text) => String(text).toLowerCase().split(' ').includes(word)),
    },
    { q: `source:${source}`, matches: (row) => row.source === source },
    { q: `severity:>=${['trace', 'debug', 'info', 'warning', 'error', 'critical'][severity]}`, matches: (row) => row.severity >= severity },
    { q: `status:>=${status}`, matches: (row) => typeof row.attributes['status'] === 'number' && row.attributes['status'] >= status },
    { q: '-status:*', matches: (row) => row.attributes['status'] === undefined },
    {
      q: `note:"${word}"`,
      matches: (row) =>
        String(row.attributes['note'] ?? '')
          .toLowerCase()
          .split(' ')
          .includes(word),
    },
  ])
}
