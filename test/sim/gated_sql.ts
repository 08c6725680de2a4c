import type { StatementSync } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'
import type { Sql, SqlValue } from '../../src/objects/log-shard/sql.ts'

/**
 * SQLite as a Durable Object has it: what was written is durable only when something leaves the object (the output
 * gate), and until then a crash may take it all back. Lives in memory, and outlives the object's lives.
 */
export interface GatedSql extends Sql {
  readonly db: DatabaseSync
  /** Makes the n-th statement or commit from now on fail, as a full or broken disk would. */
  failAfter(statements: number): void
  /** Runs `work` without failures: for what only looks at the shard. */
  undisturbed<T>(work: () => T): T
  /** Something leaves the object: all that was written is durable. */
  confirm(): void
  /** The object died: what was not confirmed is lost. */
  lose(): void
  hasUnconfirmed(): boolean
  /** Writes so far, each a billed row or more. */
  writes(): number
}

export class DiskError extends Error {
  constructor() {
    super('the disk failed')
    this.name = 'DiskError'
  }
}

export function gatedSql(onFailure: () => void): GatedSql {
  const db = new DatabaseSync(':memory:')
  const statements = new Map<string, StatementSync>()
  let untilFailure = Infinity
  let isOpen = false
  let writes = 0

  function count(): void {
    if (--untilFailure >= 0) return
    untilFailure = Infinity
    onFailure()
    throw new DiskError()
  }

  function open(): void {
    if (!isOpen) db.exec('BEGIN')
    isOpen = true
  }

  function end(how: 'COMMIT' | 'ROLLBACK'): void {
    if (isOpen) db.exec(how)
    isOpen = false
  }

  return {
    db,
    failAfter: (statements) => void (untilFailure = statements),
    undisturbed(work) {
      const later = untilFailure
      untilFailure = Infinity
      try {
        return work()
      } finally {
        untilFailure = later
      }
    },
    confirm: () => end('COMMIT'),
    lose() {
      end('ROLLBACK')
      untilFailure = Infinity
    },
    hasUnconfirmed: () => isOpen,
    writes: () => writes,

    all(query: string, ...bindings: SqlValue[]) {
      count()
      if (!/^\s*(?:SELECT|WITH)\b/i.test(query)) {
        open()
        writes++
      }
      const values = bindings.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value))
      const statement = statements.get(query) ?? db.prepare(query)
      statements.set(query, statement)
      return statement.all(...values) as Record<string, SqlValue>[]
    },

    transaction(work) {
      open()
      db.exec('SAVEPOINT work')
      try {
        const result = work()
        count()
        db.exec('RELEASE work')
        return result
      } catch (error) {
        db.exec('ROLLBACK TO work')
        db.exec('RELEASE work')
        throw error
      }
    },
  }
}
