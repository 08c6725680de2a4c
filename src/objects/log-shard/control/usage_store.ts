import { usageDaysKept } from '../../../core/limits.ts'
import type { BatchUsage, Volume } from '../../../core/usage.ts'
import type { Sql } from '../sql.ts'
import { integer, text } from '../sql.ts'
import { readMeta, writeMeta } from '../store_meta.ts'

/** Something of each minute or month, by the number of that. */
export type Windows<T> = [id: number, value: T][]

export interface UsageState {
  /** Blocks up to this sequence number are in the days and windows; those after it count from their own row. */
  seq: number
  /** Rows and bytes stored. */
  minutes: Windows<Volume>
  months: Windows<Volume>
}

/** What the organization's other shards may store in all within a minute or month, by shard number. */
export interface Grants {
  minutes: Windows<[shard: number, allowed: Volume][]>
  months: Windows<[shard: number, allowed: Volume][]>
}

/** The statements of usage and quota, over the shard's SQLite. */
export type UsageStore = ReturnType<typeof createUsageStore>

export function createUsageStore(sql: Sql) {
  const readDays = (fromDay: number, toDay: number) =>
    sql
      .all(`SELECT day, usage FROM usage_days WHERE day BETWEEN ? AND ? ORDER BY day`, fromDay, toDay)
      .map((row) => ({ day: integer(row['day']), usage: JSON.parse(text(row['usage'])) as BatchUsage }))
  return {
    loadUsageState: () => (readMeta(sql, 'usage') as UsageState | undefined) ?? { seq: 0, minutes: [], months: [] },
    saveUsageState: (state: UsageState) => writeMeta(sql, 'usage', state),
    loadGrants: () => (readMeta(sql, 'grants') as Grants | undefined) ?? { minutes: [], months: [] },
    saveGrants: (grants: Grants) => writeMeta(sql, 'grants', grants),

    /** Days fromDay to toDay, both included, ascending. */
    readDays,
    readDay: (day: number) => readDays(day, day)[0]?.usage,

    /** Also forgets what is older than `usageDaysKept`, which is nothing on all but the first write of a day. */
    saveDay(day: number, usage: BatchUsage): void {
      sql.all(
        `INSERT INTO usage_days (day, usage) VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET usage = excluded.usage`,
        day,
        JSON.stringify(usage),
      )
      sql.all(`DELETE FROM usage_days WHERE day < ?`, day - usageDaysKept)
    },
  }
}
