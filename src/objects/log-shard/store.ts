import type { ShardIdentity } from './protocol.ts'
import type { Sql } from './sql.ts'
import { integer, text } from './sql.ts'
import { blockStatements } from './store_blocks.ts'
import { createGenerations } from './store_generations.ts'
import { readMeta, writeMeta } from './store_meta.ts'
import { storageStatements } from './store_storage.ts'

/** One patched row; `row` is null when it was deleted. */
export interface StoredPatch {
  seq: number
  row: string | null
  changedMs: number
}

/** Every statement of the shard on its SQLite. */
export type ShardStore = ReturnType<typeof createShardStore>

/** The statements of a shard, over its SQLite; one method each. */
export function createShardStore(sql: Sql) {
  const generations = createGenerations(sql)
  return {
    transaction: sql.transaction,
    ...generations,
    ...blockStatements(sql, generations),
    ...storageStatements(sql),
    ...patchStatements(sql),
    ...metaStatements(sql),
  }
}

function patchStatements(sql: Sql) {
  return {
    /** Patches of fromSeq <= seq < toSeq in seq order. */
    readPatches(fromSeq: number, toSeq: number): StoredPatch[] {
      return sql.all(`SELECT seq, row, changed_ms FROM patches WHERE seq >= ? AND seq < ? ORDER BY seq`, fromSeq, toSeq).map((row) => ({
        seq: integer(row['seq']),
        row: row['row'] === null ? null : text(row['row']),
        changedMs: integer(row['changed_ms']),
      }))
    },

    readPatch(seq: number): string | null {
      const row = sql.all(`SELECT row FROM patches WHERE seq = ?`, seq)[0]
      return row === undefined || row['row'] === null ? null : text(row['row'])
    },

    savePatch({ seq, row, changedMs }: StoredPatch): void {
      sql.all(
        `INSERT INTO patches (seq, row, changed_ms) VALUES (?, ?, ?)
          ON CONFLICT (seq) DO UPDATE SET row = excluded.row, changed_ms = excluded.changed_ms`,
        seq,
        row,
        changedMs,
      )
    },

    deletePatch(seq: number): void {
      sql.all(`DELETE FROM patches WHERE seq = ?`, seq)
    },
  }
}

/** Shards of the first version have another text under `watched`, which no longer counts. */
const watchedKey = 'is_watched'

function metaStatements(sql: Sql) {
  return {
    loadIdentity(): ShardIdentity | undefined {
      return readMeta(sql, 'identity') as ShardIdentity | undefined
    },

    saveIdentity(identity: ShardIdentity): void {
      const { organizationId, region, shard } = identity
      writeMeta(sql, 'identity', { organizationId, region, shard })
    },

    /** True until LiveTail said that nobody watches; a new shard starts so, that running tails learn of it. */
    loadWatched(): boolean {
      return readMeta(sql, watchedKey) !== false
    },

    saveWatched(watched: boolean): void {
      writeMeta(sql, watchedKey, watched)
    },
  }
}
