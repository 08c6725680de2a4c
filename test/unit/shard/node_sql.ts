import type { StatementSync } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'
import type { Sql, SqlValue } from '../../../src/objects/log-shard/sql.ts'

/** The shard's SQLite on node:sqlite; the file lives in memory as long as the returned object. */
export interface NodeSql extends Sql {
  readonly db: DatabaseSync
  /** Makes the n-th statement from now on fail, as a full or broken disk would. */
  failAfter(statements: number): void
  /** Whether that statement has been reached. */
  hasFailed(): boolean
  /** Rows that statements have read from a table so far. */
  rowsOf(table: string): number
}

export function nodeSql(): NodeSql {
  const db = new DatabaseSync(':memory:')
  const statements = new Map<string, StatementSync>()
  let untilFailure = Infinity
  let failed = false
  const rowsOf = new Map<string, number>()
  return {
    rowsOf: (table) => rowsOf.get(table) ?? 0,
    db,
    failAfter(statements) {
      untilFailure = statements
      failed = false
    },
    hasFailed: () => failed,
    all(query: string, ...bindings: SqlValue[]) {
      untilFailure--
      if (untilFailure < 0) {
        untilFailure = Infinity
        failed = true
        throw new Error('the disk failed')
      }
      const values = bindings.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value))
      const statement = statements.get(query) ?? db.prepare(query)
      statements.set(query, statement)
      const rows = statement.all(...values) as Record<string, SqlValue>[]
      const table = /FROM (\w+)/.exec(query)?.[1] ?? ''
      rowsOf.set(table, (rowsOf.get(table) ?? 0) + rows.length)
      return rows
    },
    transaction(work) {
      db.exec('BEGIN')
      try {
        const result = work()
        db.exec('COMMIT')
        return result
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
    },
  }
}
