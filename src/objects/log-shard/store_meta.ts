import type { Sql } from './sql.ts'
import { text } from './sql.ts'

/** A single value that the shard keeps under a name, as JSON; undefined before it was first written. The caller knows its type. */
export function readMeta(sql: Sql, key: string): unknown {
  const row = sql.all(`SELECT value FROM meta WHERE key = ?`, key)[0]
  return row === undefined ? undefined : (JSON.parse(text(row['value'])) as unknown)
}

export function writeMeta(sql: Sql, key: string, value: unknown): void {
  sql.all(`INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, JSON.stringify(value))
}
