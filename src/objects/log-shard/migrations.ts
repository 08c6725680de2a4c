import type { Sql } from './sql.ts'
import { integer } from './sql.ts'

/**
 * Columns of a table of blocks. There is no index beside the key, since each entry would be one more billed row; head and
 * body stand last, so that reading the columns before them skips them.
 */
export const blockTableColumns = `(
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
  usage TEXT,
  head BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT`

/** The same by name, to copy from one table to another: a table of the first version has them in another order. */
export const blockColumns =
  'first_seq, rows, min_ms, max_ms, severity_counts, bytes, created_ms, key_hash, body_hash, batch_accepted, batch_rejected, usage, head, body'

/** Schema of the object's SQLite, one entry a version, append-only. */
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
  // Generations of blocks: sealing drops a whole table, which writes no row, where deleting would write one for each block.
  [
    `CREATE TABLE generations (number INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL) STRICT`,
    `ALTER TABLE blocks RENAME TO blocks_1`,
    `ALTER TABLE blocks_1 ADD COLUMN usage TEXT`,
    `INSERT INTO generations VALUES (1, 1)`,
    // Generation 0 holds damaged blocks, which no segment can take.
    `CREATE TABLE blocks_0 ${blockTableColumns}`,
    `ALTER TABLE patches ADD COLUMN changed_ms INTEGER NOT NULL DEFAULT 0`,
    `CREATE TABLE segments (key TEXT PRIMARY KEY, operation INTEGER NOT NULL, meta TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE manifest (number INTEGER PRIMARY KEY, operation TEXT NOT NULL) STRICT`,
    `CREATE TABLE garbage (key TEXT PRIMARY KEY, due_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE damaged (segment TEXT PRIMARY KEY, reason TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE sealed_keys (first_seq INTEGER PRIMARY KEY, newest_ms INTEGER NOT NULL, keys BLOB NOT NULL) STRICT`,
    `CREATE TABLE usage_days (day INTEGER PRIMARY KEY, usage TEXT NOT NULL) STRICT`,
    `CREATE TABLE erasures (id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, erasure TEXT NOT NULL) STRICT, WITHOUT ROWID`,
  ],
  // Erasures that are over, without their queries: only those that are at work are held in memory.
  [
    `CREATE TABLE ended_erasures (id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, erasure TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    `INSERT INTO ended_erasures
      SELECT id, created_ms, json_remove(erasure, '$.q', '$.range', '$.operation', '$.afterKey') FROM erasures
      WHERE json_extract(erasure, '$.status') IN ('done', 'failed') ORDER BY created_ms DESC LIMIT 1000`,
    `DELETE FROM erasures WHERE json_extract(erasure, '$.status') IN ('done', 'failed')`,
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
