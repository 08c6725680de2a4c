import type { Sql } from './sql.ts'
import { integer } from './sql.ts'

/**
 * Schema of the object's SQLite, one entry a version, append-only. `blocks` has no index beside its key, since each
 * entry would be one more billed row; head and body stand last, so that reading the columns before them skips them.
 */
const migrations: readonly (readonly string[])[] = [
  [
    `CREATE TABLE blocks (
      first_seq INTEGER PRIMARY KEY,
      rows INTEGER NOT NULL,
      min_ms INTEGER NOT NULL,
      max_ms INTEGER NOT NULL,
      severity_counts TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      created_ms INTEGER NOT NULL,
      key_hash TEXT,
      body_hash TEXT,
      batch_accepted INTEGER,
      batch_rejected INTEGER,
      head BLOB NOT NULL,
      body BLOB NOT NULL
    ) STRICT`,
    `CREATE TABLE patches (
      seq INTEGER PRIMARY KEY,
      row TEXT
    ) STRICT`,
    `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,
  ],
]

/** Brings the schema to the newest version; each version is one transaction, so that a crash repeats or skips none. */
export function migrate(sql: Sql): void {
  sql.all(`CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY) STRICT`)
  const current = integer(sql.all(`SELECT coalesce(max(version), 0) AS version FROM schema_version`)[0]?.['version'])
  if (current > migrations.length) throw new Error(`the shard's schema has version ${current}, this code knows ${migrations.length}`)
  for (let version = current + 1; version <= migrations.length; version++) {
    sql.transaction(() => {
      for (const statement of migrations[version - 1] ?? []) sql.all(statement)
      sql.all(`INSERT INTO schema_version (version) VALUES (?)`, version)
    })
  }
}
