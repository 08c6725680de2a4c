import { shardLoadBlocks } from '../../core/limits.ts'
import { severities } from '../../core/severity.ts'
import type { BatchUsage } from '../../core/usage.ts'
import type { BlockMeta, EncodedBlock } from '../../engine/block/types.ts'
import { blockColumns } from './migrations.ts'
import type { Sql, SqlValue } from './sql.ts'
import { blob, integer, text } from './sql.ts'
import type { Generations } from './store_generations.ts'

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
  usage: BatchUsage | null
}

/** What the first block of a batch carries beside its rows. */
export interface BatchNotes {
  key?: BatchKey | undefined
  /** What the batch counts in the usage ledger. */
  usage?: BatchUsage | undefined
}

/** The statements on single blocks, which are found by their first seq, whichever table has them. */
export function blockStatements(sql: Sql, { tableOf, tables, damagedTable }: Generations) {
  function readColumn(name: 'head' | 'body', firstSeq: number): Uint8Array | undefined {
    const row = sql.all(`SELECT ${name} FROM ${tableOf(firstSeq)} WHERE first_seq = ?`, firstSeq)[0]
    return row && blob(row[name])
  }

  function readBatches(fromSeq: number, toSeq: number): KeyedBatch[] {
    const rows = sql.all(
      `SELECT first_seq, created_ms, key_hash, body_hash, batch_accepted, batch_rejected FROM ${tableOf(fromSeq)}
        WHERE first_seq BETWEEN ? AND ? AND key_hash IS NOT NULL ORDER BY first_seq`,
      fromSeq,
      toSeq,
    )
    return rows.map(keyedBatch)
  }

  return {
    /** Metas of all damaged and hot blocks in seq order; read part by part. Rows up to `sealedSeq` are hot no more. */
    *loadBlocks(sealedSeq: number): Generator<LoadedBlock> {
      const columns = 'first_seq, rows, min_ms, max_ms, severity_counts, bytes, created_ms, usage'
      for (const row of readParts(sql, `${columns} FROM ${damagedTable} WHERE`, 0)) yield loadedBlock(row)
      for (const table of tables()) for (const row of readParts(sql, `${columns} FROM ${table} WHERE`, sealedSeq)) yield loadedBlock(row)
    },

    /** The keys of hot batches in seq order; read part by part. */
    *loadKeys(sealedSeq: number): Generator<Pick<KeyedBatch, 'keyHash' | 'firstSeq' | 'createdMs'>> {
      for (const table of tables()) {
        for (const row of readParts(sql, `first_seq, created_ms, key_hash FROM ${table} WHERE key_hash IS NOT NULL AND`, sealedSeq))
          yield { keyHash: text(row['key_hash']), firstSeq: integer(row['first_seq']), createdMs: integer(row['created_ms']) }
      }
    },

    insertBlock(block: EncodedBlock, createdMs: number, notes: BatchNotes): void {
      const values = blockValues(block, createdMs, notes)
      sql.all(`INSERT INTO ${tableOf(block.meta.firstSeq)} (${blockColumns}) VALUES (${values.map(() => '?').join(', ')})`, ...values)
    },

    /** Undefined when there is no such block. */
    readHead: (firstSeq: number) => readColumn('head', firstSeq),
    readBody: (firstSeq: number) => readColumn('body', firstSeq),

    /** When the block was stored. */
    readCreatedMs(firstSeq: number): number {
      return integer(sql.all(`SELECT created_ms FROM ${tableOf(firstSeq)} WHERE first_seq = ?`, firstSeq)[0]?.['created_ms'])
    },

    /** Undefined when the block begins no keyed batch. */
    readBatch: (firstSeq: number): KeyedBatch | undefined => readBatches(firstSeq, firstSeq)[0],

    /** Keyed batches whose first block is one of fromSeq <= first seq <= toSeq, all of one generation. */
    readBatches,
  }
}

/** In the order of `blockColumns`. */
function blockValues({ meta, head, body }: EncodedBlock, createdMs: number, { key, usage }: BatchNotes): SqlValue[] {
  const { firstSeq, rows, minMs, maxMs, bytes } = meta
  const keyValues = [key?.keyHash ?? null, key?.bodyHash ?? null, key?.accepted ?? null, key?.rejected ?? null]
  const counted = usage === undefined ? null : JSON.stringify(usage)
  return [firstSeq, rows, minMs, maxMs, JSON.stringify(meta.severityCounts), bytes, createdMs, ...keyValues, counted, head, body]
}

/** All rows of a SELECT with first_seq > afterSeq, ascending, `shardLoadBlocks` at a time. `what` ends with WHERE or AND. */
function* readParts(sql: Sql, what: string, afterSeq: number): Generator<Record<string, SqlValue>> {
  let lastSeq = afterSeq
  let rows: ReturnType<Sql['all']>
  do {
    rows = sql.all(`SELECT ${what} first_seq > ? ORDER BY first_seq LIMIT ?`, lastSeq, shardLoadBlocks)
    yield* rows
    lastSeq = integer(rows.at(-1)?.['first_seq'] ?? lastSeq)
  } while (rows.length === shardLoadBlocks)
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
    usage: row['usage'] === null ? null : (JSON.parse(text(row['usage'])) as BatchUsage),
  }
}

function keyedBatch(row: Record<string, SqlValue>): KeyedBatch {
  return {
    firstSeq: integer(row['first_seq']),
    createdMs: integer(row['created_ms']),
    keyHash: text(row['key_hash']),
    bodyHash: text(row['body_hash']),
    accepted: integer(row['batch_accepted']),
    rejected: integer(row['batch_rejected']),
  }
}

function severityCounts(json: string): number[] {
  const counts: unknown = JSON.parse(json)
  if (Array.isArray(counts) && counts.length === severities.length && counts.every(Number.isSafeInteger)) return counts as number[]
  throw new TypeError(`the counts by severity of a block are not ${severities.length} integers`)
}
