import { shardLoadBlocks } from '../../core/limits.ts'
import type { BatchUsage } from '../../core/usage.ts'
import { severities } from '../../core/severity.ts'
import type { BlockMeta, EncodedBlock } from '../../engine/block/types.ts'
import { blockTableColumns } from './migrations.ts'
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
  usage: BatchUsage | null
}

/** What the first block of a batch carries beside its rows. */
export interface BatchNotes {
  key?: BatchKey | undefined
  /** What the batch counts in the usage ledger. */
  usage?: BatchUsage | undefined
}

/** The number of the generation that holds damaged blocks; appends go to the newest one. */
const damagedGeneration = 0

/** The statements on blocks. A block is found by its first seq; which table has it is known here alone. */
export function blockStatements(sql: Sql) {
  const generations = sql
    .all(`SELECT number, first_seq FROM generations ORDER BY number`)
    .map((row) => ({ number: integer(row['number']), firstSeq: integer(row['first_seq']) }))
  const damaged = new Set(sql.all(`SELECT first_seq FROM blocks_0`).map((row) => integer(row['first_seq'])))

  function tableOf(firstSeq: number): string {
    const holder = damaged.has(firstSeq) ? damagedGeneration : generations.findLast((each) => each.firstSeq <= firstSeq)?.number
    if (holder === undefined) throw new Error(`no generation has block ${firstSeq}`)
    return `blocks_${holder}`
  }

  function readColumn(name: 'head' | 'body', firstSeq: number): Uint8Array | undefined {
    const row = sql.all(`SELECT ${name} FROM ${tableOf(firstSeq)} WHERE first_seq = ?`, firstSeq)[0]
    return row && blob(row[name])
  }

  function readBatches(fromSeq: number, toSeq: number): KeyedBatch[] {
    const rows = sql.all(
      `SELECT first_seq, created_ms, key_hash, body_hash, batch_accepted, batch_rejected FROM ${tableOf(fromSeq)}
        WHERE first_seq BETWEEN ? AND ? AND key_hash IS NOT NULL ORDER BY first_seq`,
      ...[fromSeq, toSeq],
    )
    return rows.map((row) => ({
      firstSeq: integer(row['first_seq']),
      createdMs: integer(row['created_ms']),
      keyHash: text(row['key_hash']),
      bodyHash: text(row['body_hash']),
      accepted: integer(row['batch_accepted']),
      rejected: integer(row['batch_rejected']),
    }))
  }

  function* loadHot(sealedSeq: number): Generator<LoadedBlock> {
    for (const { number } of generations) yield* loadTable(sql, `blocks_${number}`, sealedSeq)
  }

  return {
    /** Metas of all damaged and hot blocks in seq order; read part by part. Rows up to `sealedSeq` are hot no more. */
    *loadBlocks(sealedSeq: number): Generator<LoadedBlock> {
      yield* loadTable(sql, `blocks_${damagedGeneration}`, 0)
      yield* loadHot(sealedSeq)
    },

    /** The keys of hot batches in seq order. */
    *loadKeys(sealedSeq: number): Generator<Pick<KeyedBatch, 'keyHash' | 'firstSeq' | 'createdMs'>> {
      for (const { meta, createdMs, keyHash } of loadHot(sealedSeq))
        if (keyHash !== null) yield { keyHash, firstSeq: meta.firstSeq, createdMs }
    },

    insertBlock({ meta, head, body }: EncodedBlock, createdMs: number, { key, usage }: BatchNotes): void {
      const { firstSeq, rows, minMs, maxMs, bytes } = meta
      sql.all(
        `INSERT INTO ${tableOf(firstSeq)} (first_seq, rows, min_ms, max_ms, severity_counts, bytes, created_ms,
          key_hash, body_hash, batch_accepted, batch_rejected, usage, head, body)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[firstSeq, rows, minMs, maxMs, JSON.stringify(meta.severityCounts), bytes, createdMs],
        ...[key?.keyHash ?? null, key?.bodyHash ?? null, key?.accepted ?? null, key?.rejected ?? null],
        ...[usage === undefined ? null : JSON.stringify(usage)],
        ...[head, body],
      )
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

    isDamaged: (firstSeq: number): boolean => damaged.has(firstSeq),

    /** First seq of the newest generation: blocks before it get no neighbours any more. */
    newestGenerationSeq: (): number => generations.at(-1)?.firstSeq ?? 1,

    /** From now on blocks go to a new table, the first of them at `firstSeq`. A transaction of its own. */
    addGeneration(firstSeq: number): void {
      const number = (generations.at(-1)?.number ?? 0) + 1
      sql.transaction(() => {
        sql.all(`CREATE TABLE blocks_${number} ${blockTableColumns}`)
        sql.all(`INSERT INTO generations VALUES (?, ?)`, number, firstSeq)
      })
      generations.push({ number, firstSeq })
    },

    /** Takes generations away that hold no hot row any more. Call `afterwards` once the transaction holds. */
    dropGenerations(sealedSeq: number): { afterwards(): void } {
      const drained = generations.filter((_, i) => (generations[i + 1]?.firstSeq ?? Infinity) <= sealedSeq + 1)
      for (const { number } of drained) {
        sql.all(`DROP TABLE blocks_${number}`)
        sql.all(`DELETE FROM generations WHERE number = ?`, number)
      }
      return { afterwards: () => void generations.splice(0, drained.length) }
    },

    /** Puts a block aside that cannot be sealed. Call `afterwards` once the transaction holds. */
    setAside(firstSeq: number): { afterwards(): void } {
      sql.all(
        `INSERT OR REPLACE INTO blocks_0 (${blockColumns}) SELECT ${blockColumns} FROM ${tableOf(firstSeq)} WHERE first_seq = ?`,
        firstSeq,
      )
      return { afterwards: () => void damaged.add(firstSeq) }
    },

    /** When the oldest damaged block was stored; null when there is none. */
    oldestDamagedMs(): number | null {
      if (damaged.size === 0) return null
      return integer(sql.all(`SELECT min(created_ms) AS oldest FROM blocks_0`)[0]?.['oldest'])
    },

    /** Deletes damaged blocks that were stored before; answers their first seqs. A transaction of its own. */
    deleteDamagedBefore(createdMs: number): number[] {
      const gone = sql
        .all(`DELETE FROM blocks_0 WHERE created_ms < ? RETURNING first_seq`, createdMs)
        .map((row) => integer(row['first_seq']))
      for (const firstSeq of gone) damaged.delete(firstSeq)
      return gone
    },
  }
}

const blockColumns =
  'first_seq, rows, min_ms, max_ms, severity_counts, bytes, created_ms, key_hash, body_hash, batch_accepted, batch_rejected, usage, head, body'

function* loadTable(sql: Sql, table: string, fromSeq: number): Generator<LoadedBlock> {
  let rows: ReturnType<Sql['all']>
  let afterSeq = fromSeq
  do {
    rows = sql.all(
      `SELECT first_seq, rows, min_ms, max_ms, severity_counts, bytes, created_ms, key_hash, usage FROM ${table}
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
    usage: row['usage'] === null ? null : (JSON.parse(text(row['usage'])) as BatchUsage),
  }
}

function severityCounts(json: string): number[] {
  const counts: unknown = JSON.parse(json)
  if (Array.isArray(counts) && counts.length === severities.length && counts.every(Number.isSafeInteger)) return counts as number[]
  throw new TypeError(`the counts by severity of a block are not ${severities.length} integers`)
}
