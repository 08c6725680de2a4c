import { isDeepStrictEqual } from 'node:util'
import type { Filter } from '../../src/engine/query/ast.ts'
import { parseQuery } from '../../src/engine/query/parser.ts'
import { compareInOrder, positionOf } from '../../src/engine/query/position.ts'
import type { Order, Position, TimeRange } from '../../src/engine/query/types.ts'
import type { StoredRow } from '../../src/engine/row.ts'
import { setAttribute } from '../../src/engine/row.ts'
import type { RowChange } from '../../src/objects/log-shard/protocol.ts'
import { matchesNaively } from '../support/naive.ts'

export type Content = Omit<StoredRow, 'seq' | 'createdMs' | 'updatedMs'>

/** Row i has sequence number i + 1; null where it is gone. */
export type OracleRows = readonly (StoredRow | null)[]

export type Oracle = ReturnType<typeof createOracle>

/** One shard as a list of rows: slow, obvious, and what the real one is measured against. */
export function createOracle() {
  const rows: (StoredRow | null)[] = []

  return {
    lastSeq: () => rows.length,
    get: (seq: number): StoredRow | null => rows[seq - 1] ?? null,
    /** The rows as they are now; later changes do not show in it. */
    snapshot: (): OracleRows => rows.slice(),

    append(content: readonly Content[], createdMs: number): void {
      for (const row of content) rows.push({ ...row, seq: rows.length + 1, createdMs, updatedMs: 0 })
    },

    change(seq: number, change: RowChange, updatedMs: number): StoredRow {
      const old = rows[seq - 1]
      if (!old) throw new Error(`row ${seq} does not exist`)
      const attributes: StoredRow['attributes'] = change.attributes?.replace === true ? {} : { ...old.attributes }
      for (const [name, value] of change.attributes?.entries ?? []) {
        if (value === null) delete attributes[name]
        else setAttribute(attributes, name, value)
      }
      const row = {
        ...old,
        timestampMs: change.timestampMs ?? old.timestampMs,
        timestampNs: change.timestampNs ?? old.timestampNs,
        severity: change.severity ?? old.severity,
        source: change.source ?? old.source,
        message: change.message ?? old.message,
        attributes,
        updatedMs,
      }
      rows[seq - 1] = row
      return row
    },

    remove(seq: number): void {
      rows[seq - 1] = null
    },

    /** Takes out of sight all that match now; answers how many. */
    removeAll(matches: (row: StoredRow) => boolean): number {
      let removed = 0
      for (const [i, row] of rows.entries()) {
        if (row === null || !matches(row)) continue
        rows[i] = null
        removed++
      }
      return removed
    },
  }
}

/** What a query may see of a shard. */
export interface Sight {
  q: string
  range: TimeRange
  maxSeq: number
  keepFromMs: number
}

const filters = new Map<string, Filter>()
/** What was found out of a row, which never changes: a new content is a new row. */
const answers = new WeakMap<StoredRow, Map<string, boolean>>()

function matches(row: StoredRow, q: string): boolean {
  let known = answers.get(row)
  if (known === undefined) answers.set(row, (known = new Map<string, boolean>()))
  let isMatch = known.get(q)
  if (isMatch === undefined) {
    const filter = filters.get(q) ?? parseQuery(q)
    filters.set(q, filter)
    known.set(q, (isMatch = matchesNaively(filter, row)))
  }
  return isMatch
}

/** The rows that match, in sequence. */
export function matching(rows: OracleRows, { q, range, maxSeq, keepFromMs }: Sight): StoredRow[] {
  return rows
    .slice(0, maxSeq)
    .filter((row) => row !== null)
    .filter(({ timestampMs, createdMs }) => timestampMs >= range.fromMs && timestampMs < range.toMs && createdMs >= keepFromMs)
    .filter((row) => matches(row, q))
}

export interface PlacedByShard {
  shard: number
  row: StoredRow
}

/** Rows of several shards behind `after`, in the asked order. */
export function inOrder(rows: readonly PlacedByShard[], order: Order, after: Position | undefined): PlacedByShard[] {
  const placed = rows.map(({ shard, row }) => ({ shard, row, position: positionOf(row, shard) }))
  return placed
    .filter(({ position }) => after === undefined || compareInOrder(order, position, after) > 0)
    .sort((a, b) => compareInOrder(order, a.position, b.position))
    .map(({ shard, row }) => ({ shard, row }))
}

export class Mismatch extends Error {
  constructor(what: string, actual: unknown, expected: unknown) {
    super(`${what}\n  expected: ${show(expected)}\n  but got:  ${show(actual)}`)
    this.name = 'Mismatch'
  }
}

/** Throws a `Mismatch` where two pieces of plain data differ. */
export function same(what: string, actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected) && !isDeepStrictEqual(plain(actual), plain(expected))) throw new Mismatch(what, actual, expected)
}

export function holds(what: string, isTrue: boolean, detail: unknown = ''): void {
  if (!isTrue) throw new Mismatch(what, detail, 'that it holds')
}

/** Without prototypes, undefined properties and the order of properties, none of which a message carries. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return [...value].map(plain).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, part]) => [name, plain(part)]),
  )
}

function show(value: unknown): string {
  const text = JSON.stringify(plain(value), (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? String(value)
  return text.length > 1500 ? `${text.slice(0, 1500)} ... (${text.length} characters)` : text
}
