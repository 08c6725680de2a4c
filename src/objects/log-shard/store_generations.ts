import type { Change } from './manifest.ts'
import { blockColumns, blockTableColumns } from './migrations.ts'
import type { Sql } from './sql.ts'
import { integer } from './sql.ts'

export type Generations = ReturnType<typeof createGenerations>

/** Damaged blocks, which no segment can take. */
const damagedTable = 'blocks_0'

/**
 * The tables that hold blocks. Blocks go to the newest generation; one that was sealed is dropped whole, which writes no row.
 * Within a transaction of the caller, memory follows by the answered change.
 */
export function createGenerations(sql: Sql) {
  const generations = sql
    .all(`SELECT number, first_seq FROM generations ORDER BY number`)
    .map((row) => ({ number: integer(row['number']), firstSeq: integer(row['first_seq']) }))
  const damaged = new Set(sql.all(`SELECT first_seq FROM ${damagedTable}`).map((row) => integer(row['first_seq'])))

  function tableOf(firstSeq: number): string {
    if (damaged.has(firstSeq)) return damagedTable
    const holder = generations.findLast((generation) => generation.firstSeq <= firstSeq)
    if (holder === undefined) throw new Error(`no generation has block ${firstSeq}`)
    return `blocks_${holder.number}`
  }

  return {
    damagedTable,
    tableOf,
    tables: (): string[] => generations.map(({ number }) => `blocks_${number}`),

    /** First seq of the newest generation: blocks before it get no neighbours any more. */
    newestGenerationSeq: (): number => generations.at(-1)?.firstSeq ?? 1,

    /** From now on blocks go to a new table, the first of them at `firstSeq`. */
    addGeneration(firstSeq: number): Change {
      const number = (generations.at(-1)?.number ?? 0) + 1
      sql.all(`CREATE TABLE blocks_${number} ${blockTableColumns}`)
      sql.all(`INSERT INTO generations VALUES (?, ?)`, number, firstSeq)
      return { afterwards: () => void generations.push({ number, firstSeq }) }
    },

    /** Takes generations away that hold no hot row any more. */
    dropGenerations(sealedSeq: number): Change {
      const drained = generations.filter((_, i) => (generations[i + 1]?.firstSeq ?? Infinity) <= sealedSeq + 1)
      for (const { number } of drained) {
        sql.all(`DROP TABLE blocks_${number}`)
        sql.all(`DELETE FROM generations WHERE number = ?`, number)
      }
      return { afterwards: () => void generations.splice(0, drained.length) }
    },

    isDamaged: (firstSeq: number): boolean => damaged.has(firstSeq),

    /** Puts a block aside that cannot be sealed. */
    setAside(firstSeq: number): Change {
      sql.all(
        `INSERT INTO ${damagedTable} (${blockColumns}) SELECT ${blockColumns} FROM ${tableOf(firstSeq)} WHERE first_seq = ?`,
        firstSeq,
      )
      return { afterwards: () => void damaged.add(firstSeq) }
    },

    /** When the oldest damaged block was stored; null when there is none. */
    oldestDamagedMs(): number | null {
      if (damaged.size === 0) return null
      return integer(sql.all(`SELECT min(created_ms) AS oldest FROM ${damagedTable}`)[0]?.['oldest'])
    },

    /** Deletes damaged blocks that were stored before; answers their first seqs. */
    deleteDamagedBefore(createdMs: number): Change & { gone: number[] } {
      const rows = sql.all(`DELETE FROM ${damagedTable} WHERE created_ms < ? RETURNING first_seq`, createdMs)
      const gone = rows.map((row) => integer(row['first_seq']))
      return { gone, afterwards: () => gone.forEach((firstSeq) => damaged.delete(firstSeq)) }
    },
  }
}
