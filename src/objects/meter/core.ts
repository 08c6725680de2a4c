import { addReport, costKinds } from '../../core/costs.ts'
import type { CostReport } from '../../core/costs.ts'
import type { MeterTotals, StoredTotals } from '../../core/cost_meter.ts'
import { meterOperationsMax } from '../../core/limits.ts'

export type MeterSql = (query: string, ...bindings: (string | number)[]) => Record<string, unknown>[]

export interface MeterCore {
  report(costs: CostReport, stored?: { name: string; totals: StoredTotals }): void
  /** A shard of this name holds nothing any more. */
  forget(name: string): void
  totals(): MeterTotals
}

/**
 * The sums of all that isolates and shards reported, over the object's SQLite. All counters are one row, so that a report
 * costs one row write however many operations it names; each shard has a row with what it holds.
 */
export function createMeterCore(sql: MeterSql, now: () => number): MeterCore {
  sql(`CREATE TABLE IF NOT EXISTS counters (id INTEGER PRIMARY KEY CHECK (id = 1), since_ms INTEGER NOT NULL, operations TEXT NOT NULL)`)
  sql(`CREATE TABLE IF NOT EXISTS stored (name TEXT PRIMARY KEY, totals TEXT NOT NULL) WITHOUT ROWID`)
  const row = sql(`SELECT since_ms, operations FROM counters`)[0]
  const sinceMs = row === undefined ? now() : Number(row['since_ms'])
  let operations = row === undefined ? {} : (JSON.parse(String(row['operations'])) as CostReport)
  return {
    report(costs, stored) {
      checkReport(costs)
      const next = structuredClone(operations)
      addReport(next, costs, meterOperationsMax)
      // What the meter itself costs: this row, and the one below.
      addReport(next, { 'meter.report': { do_rows_written: stored === undefined ? 1 : 2 } }, meterOperationsMax)
      sql(`INSERT OR REPLACE INTO counters VALUES (1, ?, ?)`, sinceMs, JSON.stringify(next))
      if (stored !== undefined) sql(`INSERT OR REPLACE INTO stored VALUES (?, ?)`, stored.name, JSON.stringify(stored.totals))
      operations = next
    },
    forget(name) {
      sql(`DELETE FROM stored WHERE name = ?`, name)
    },
    totals() {
      const stored = sumStored(sql)
      // Kept with the next report.
      addReport(operations, { 'meter.totals': { do_rows_read: stored.shards } }, meterOperationsMax)
      return { sinceMs, operations, stored }
    },
  }
}

function sumStored(sql: MeterSql): MeterTotals['stored'] {
  const sum = { shards: 0, rows: 0, hotBytes: 0, segments: 0, segmentBytes: 0 }
  for (const { totals } of sql(`SELECT totals FROM stored`)) {
    const one = JSON.parse(String(totals)) as StoredTotals
    sum.shards += 1
    for (const name of ['rows', 'hotBytes', 'segments', 'segmentBytes'] as const) sum[name] += one[name]
  }
  return sum
}

/** Throws on a report that no sender of ours can have made: nonsense would stay in the totals for ever. */
function checkReport(costs: CostReport): void {
  for (const [operation, counts] of Object.entries(costs)) {
    for (const [kind, amount] of Object.entries(counts)) {
      const known = costKinds.some((each) => each === kind)
      if (!known || !Number.isFinite(amount) || amount < 0) throw new Error(`no cost: ${operation} ${kind} ${String(amount)}`)
    }
  }
}
