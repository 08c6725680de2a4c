import type { Damage } from '../../engine/query/types.ts'
import type { SegmentMeta } from '../../engine/segment/types.ts'
import type { EndedErasure, StoredErasure } from './erasures.ts'
import { noHash } from './manifest_hash.ts'
import type { ManifestOperation } from './protocol_storage.ts'
import type { Sql } from './sql.ts'
import { blob, integer, text } from './sql.ts'
import { readMeta, writeMeta } from './store_meta.ts'

/** A present segment and the operation that added it. */
export interface SegmentEntry {
  operation: number
  meta: SegmentMeta
}

/** What the life cycle knows beside lists; one row. */
export interface StorageRecord {
  /** Rows up to here have left the hot blocks. */
  sealedSeq: number
  /** The newest operation of the manifest. */
  last: { number: number; hash: string }
  /** The newest operation that was pruned. */
  anchor: { number: number; hash: string }
  /** Rows received before have expired; 0 when all are kept. */
  keepFromMs: number
  /** Of the settings that say so, so that a call that was overtaken changes nothing. */
  keepVersion: number
  /** Rows that retention has removed, ever. */
  expiredRows: number
  /** Greatest time of an edit among all rows that were folded in. */
  foldedMs: number
}

const atFirst: StorageRecord = {
  sealedSeq: 0,
  last: { number: 0, hash: noHash },
  anchor: { number: 0, hash: noHash },
  keepFromMs: 0,
  keepVersion: 0,
  expiredRows: 0,
  foldedMs: 0,
}

/** The statements on segments, manifest, garbage, erasures and sealed idempotency keys. */
export function storageStatements(sql: Sql) {
  return { ...manifestStatements(sql), ...garbageStatements(sql), ...erasureStatements(sql), ...sealedKeyStatements(sql) }
}

function manifestStatements(sql: Sql) {
  return {
    loadStorage: (): StorageRecord => ({ ...atFirst, ...(readMeta(sql, 'storage') as StorageRecord | undefined) }),
    saveStorage: (record: StorageRecord) => writeMeta(sql, 'storage', record),

    /** Keys of segments that were not found when they were read last, and since when. */
    loadMissing: (): [string, number][] => (readMeta(sql, 'missing') as [string, number][] | undefined) ?? [],
    saveMissing: (missing: [string, number][]) => writeMeta(sql, 'missing', missing),

    loadSegments(): SegmentEntry[] {
      return sql.all(`SELECT operation, meta FROM segments`).map((row) => ({
        operation: integer(row['operation']),
        meta: JSON.parse(text(row['meta'])) as SegmentMeta,
      }))
    },

    insertSegment({ operation, meta }: SegmentEntry): void {
      sql.all(`INSERT INTO segments (key, operation, meta) VALUES (?, ?, ?)`, meta.key, operation, JSON.stringify(meta))
    },

    deleteSegment(key: string): void {
      sql.all(`DELETE FROM segments WHERE key = ?`, key)
    },

    insertOperation(operation: ManifestOperation): void {
      sql.all(`INSERT INTO manifest (number, operation) VALUES (?, ?)`, operation.number, JSON.stringify(operation))
    },

    /** Operations with a greater number, ascending. */
    readOperations(afterNumber: number, limit: number): ManifestOperation[] {
      return sql
        .all(`SELECT operation FROM manifest WHERE number > ? ORDER BY number LIMIT ?`, afterNumber, limit)
        .map((row) => JSON.parse(text(row['operation'])) as ManifestOperation)
    },

    deleteOperations(throughNumber: number): void {
      sql.all(`DELETE FROM manifest WHERE number <= ?`, throughNumber)
    },

    loadDamaged(): Damage[] {
      return sql.all(`SELECT segment, reason FROM damaged`).map((row) => ({ segment: text(row['segment']), reason: text(row['reason']) }))
    },

    saveDamaged({ segment, reason }: Damage): void {
      sql.all(`INSERT OR IGNORE INTO damaged (segment, reason) VALUES (?, ?)`, segment, reason)
    },

    deleteDamaged(segment: string): void {
      sql.all(`DELETE FROM damaged WHERE segment = ?`, segment)
    },
  }
}

/** Objects that are to be deleted: whatever the manifest does not name. One is listed here before it is written. */
function garbageStatements(sql: Sql) {
  return {
    saveGarbage(key: string, dueMs: number): void {
      sql.all(`INSERT INTO garbage (key, due_ms) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET due_ms = excluded.due_ms`, key, dueMs)
    },

    forgetGarbage(keys: readonly string[]): void {
      for (const key of keys) sql.all(`DELETE FROM garbage WHERE key = ?`, key)
    },

    /** When the first of them is due; null when there are none. */
    readGarbageDueMs(): number | null {
      const due = sql.all(`SELECT min(due_ms) AS due FROM garbage`)[0]?.['due']
      return due === null || due === undefined ? null : integer(due)
    },

    readGarbage(nowMs: number, limit: number): string[] {
      return sql.all(`SELECT key FROM garbage WHERE due_ms <= ? ORDER BY key LIMIT ?`, nowMs, limit).map((row) => text(row['key']))
    },
  }
}

function erasureStatements(sql: Sql) {
  return {
    loadErasures(): StoredErasure[] {
      return sql.all(`SELECT erasure FROM erasures ORDER BY created_ms, id`).map((row) => JSON.parse(text(row['erasure'])) as StoredErasure)
    },

    saveErasure(erasure: StoredErasure): void {
      sql.all(
        `INSERT INTO erasures (id, created_ms, erasure) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET erasure = excluded.erasure`,
        erasure.id,
        erasure.createdMs,
        JSON.stringify(erasure),
      )
    },

    /** Keeps what became of it instead; of all that are over, only the newest `keptMax`. */
    endErasure(ended: EndedErasure, keptMax: number): void {
      sql.all(`DELETE FROM erasures WHERE id = ?`, ended.id)
      sql.all(`INSERT INTO ended_erasures (id, created_ms, erasure) VALUES (?, ?, ?)`, ended.id, ended.createdMs, JSON.stringify(ended))
      sql.all(
        `DELETE FROM ended_erasures WHERE id IN (SELECT id FROM ended_erasures ORDER BY created_ms DESC, id DESC LIMIT -1 OFFSET ?)`,
        keptMax,
      )
    },

    readEndedErasure(id: string): EndedErasure | undefined {
      const row = sql.all(`SELECT erasure FROM ended_erasures WHERE id = ?`, id)[0]
      return row && (JSON.parse(text(row['erasure'])) as EndedErasure)
    },
  }
}

/** Idempotency keys of sealed batches, packed: see sealed_keys.ts. */
function sealedKeyStatements(sql: Sql) {
  return {
    loadSealedKeys(): { firstSeq: number; keys: Uint8Array }[] {
      return sql
        .all(`SELECT first_seq, keys FROM sealed_keys ORDER BY first_seq`)
        .map((row) => ({ firstSeq: integer(row['first_seq']), keys: blob(row['keys']) }))
    },

    /** The pack that holds the batch, if it is sealed. */
    readSealedKeys(firstSeq: number): Uint8Array | undefined {
      const row = sql.all(`SELECT keys FROM sealed_keys WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1`, firstSeq)[0]
      return row && blob(row['keys'])
    },

    saveSealedKeys(firstSeq: number, newestMs: number, keys: Uint8Array): void {
      sql.all(`INSERT INTO sealed_keys (first_seq, newest_ms, keys) VALUES (?, ?, ?)`, firstSeq, newestMs, keys)
    },

    deleteSealedKeys(beforeMs: number): void {
      sql.all(`DELETE FROM sealed_keys WHERE newest_ms <= ?`, beforeMs)
    },
  }
}
