import type { BlockMeta } from '../../engine/block/types.ts'
import { shardLoadBlocks } from '../../core/limits.ts'
import { severities } from '../../core/severity.ts'
import type { ShardIdentity } from './protocol.ts'
import type { Sql, SqlValue } from './sql.ts'
import { blob, integer, text } from './sql.ts'

/** What the first block of a keyed batch carries, so that remembering the key costs no further row. */
export interface BatchKey {
  keyHash: string
  bodyHash: string
  accepted: number
  rejected: number
}

export interface KeyedBatch extends BatchKey {
  firstSeq: number
  createdMs: number
}

export interface LoadedBlock {
  meta: BlockMeta
  createdMs: number
  keyHash: string | null
}

/** Every statement of the shard on its SQLite. */
export type ShardStore = ReturnType<typeof createShardStore>

/** The statements of a shard, over its SQLite; one method each. */
export function createShardStore(sql: Sql) {
  return { transaction: sql.transaction, ...blockStatements(sql), ...patchStatements(sql), ...metaStatements(sql) }
}

function blockStatements(sql: Sql) {
  return {
    /** Metas of all blocks in seq order, with the key of the batches that had one; read part by part. */
    *loadBlocks(): Generator<LoadedBlock> {
      let rows: ReturnType<Sql['all']>
      let afterSeq = 0
      do {
        rows = sql.all(
          `SELECT first_seq, rows, min_ms, max_ms, severity_counts, bytes, created_ms, key_hash FROM blocks
            WHERE first_seq > ? ORDER BY first_seq LIMIT ?`,
          afterSeq,
          shardLoadBlocks,
        )
        for (const row of rows) {
          const block = loadedBlock(row)
          afterSeq = block.meta.firstSeq
          yield block
        }
      } while (rows.length === shardLoadBlocks)
    },

    insertBlock(meta: BlockMeta, head: Uint8Array, body: Uint8Array, createdMs: number, key: BatchKey | undefined): void {
      const { firstSeq, rows, minMs, maxMs, bytes } = meta
      const columns = [firstSeq, rows, minMs, maxMs, JSON.stringify(meta.severityCounts), bytes, createdMs]
      const keyColumns = [key?.keyHash ?? null, key?.bodyHash ?? null, key?.accepted ?? null, key?.rejected ?? null]
      sql.all(`INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, ...columns, ...keyColumns, head, body)
    },

    /** Undefined when there is no such block. */
    readHead(firstSeq: number): Uint8Array | undefined {
      const row = sql.all(`SELECT head FROM blocks WHERE first_seq = ?`, firstSeq)[0]
      return row && blob(row['head'])
    },

    readBody(firstSeq: number): Uint8Array | undefined {
      const row = sql.all(`SELECT body FROM blocks WHERE first_seq = ?`, firstSeq)[0]
      return row && blob(row['body'])
    },

    readBatch(firstSeq: number): KeyedBatch | undefined {
      const row = sql.all(
        `SELECT created_ms, key_hash, body_hash, batch_accepted, batch_rejected FROM blocks WHERE first_seq = ?`,
        firstSeq,
      )[0]
      if (row === undefined || row['key_hash'] === null) return undefined
      return {
        firstSeq,
        createdMs: integer(row['created_ms']),
        keyHash: text(row['key_hash']),
        bodyHash: text(row['body_hash']),
        accepted: integer(row['batch_accepted']),
        rejected: integer(row['batch_rejected']),
      }
    },
  }
}

function loadedBlock(row: Record<string, SqlValue>): LoadedBlock {
  return {
    meta: {
      firstSeq: integer(row['first_seq']),
      rows: integer(row['rows']),
      minMs: integer(row['min_ms']),
      maxMs: integer(row['max_ms']),
      severityCounts: severityCounts(text(row['severity_counts'])),
      bytes: integer(row['bytes']),
    },
    createdMs: integer(row['created_ms']),
    keyHash: row['key_hash'] === null ? null : text(row['key_hash']),
  }
}

function patchStatements(sql: Sql) {
  return {
    /** Patches of fromSeq <= seq < toSeq in seq order; `row` is null for a deleted row. */
    readPatches(fromSeq: number, toSeq: number): { seq: number; row: string | null }[] {
      return sql.all(`SELECT seq, row FROM patches WHERE seq >= ? AND seq < ? ORDER BY seq`, fromSeq, toSeq).map((row) => ({
        seq: integer(row['seq']),
        row: row['row'] === null ? null : text(row['row']),
      }))
    },

    readPatch(seq: number): string | null {
      const row = sql.all(`SELECT row FROM patches WHERE seq = ?`, seq)[0]
      return row === undefined || row['row'] === null ? null : text(row['row'])
    },

    savePatch(seq: number, row: string | null): void {
      sql.all(`INSERT INTO patches (seq, row) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET row = excluded.row`, seq, row)
    },
  }
}

function metaStatements(sql: Sql) {
  return {
    loadIdentity(): ShardIdentity | undefined {
      const value = readMeta(sql, 'identity')
      return value === undefined ? undefined : (JSON.parse(value) as ShardIdentity)
    },

    saveIdentity(identity: ShardIdentity): void {
      const { organizationId, region, shard } = identity
      writeMeta(sql, 'identity', JSON.stringify({ organizationId, region, shard }))
    },

    /** True until LiveTail said that nobody watches; a new shard starts so, that running tails learn of it. */
    loadWatched(): boolean {
      return readMeta(sql, 'watched') !== 'no'
    },

    saveWatched(watched: boolean): void {
      writeMeta(sql, 'watched', watched ? 'yes' : 'no')
    },
  }
}

function readMeta(sql: Sql, key: string): string | undefined {
  const row = sql.all(`SELECT value FROM meta WHERE key = ?`, key)[0]
  return row === undefined ? undefined : text(row['value'])
}

function writeMeta(sql: Sql, key: string, value: string): void {
  sql.all(`INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
}

function severityCounts(json: string): number[] {
  const counts: unknown = JSON.parse(json)
  if (Array.isArray(counts) && counts.length === severities.length && counts.every(Number.isSafeInteger)) return counts as number[]
  throw new TypeError(`the counts by severity of a block are not ${severities.length} integers`)
}
