import { usageFlushMs, usageSourcesPerDayMax } from '../../../core/limits.ts'
import { dayOf, minuteOf, monthOf } from '../../../core/calendar.ts'
import type { BatchUsage, Volume } from '../../../core/usage.ts'
import { addUsage, addVolume, newUsageSum, usageOf } from '../../../core/usage_sum.ts'
import type { UsageSum } from '../../../core/usage_sum.ts'
import type { DayUsage } from './protocol_control.ts'
import { noVolume } from './quota_limits.ts'
import type { UsageStore } from './usage_store.ts'
import { createWindowMap } from './windows.ts'

export type UsageLedger = ReturnType<typeof createUsageLedger>

/**
 * The shard's account of what it received, stored and rejected, by day. A stored batch is accounted for in its own block's
 * row, so it costs no further write; the days are written when blocks are sealed. Only what was refused as a whole has no
 * row: it is written within `usageFlushMs`, and lost when the object is lost before.
 */
export function createUsageLedger(store: UsageStore) {
  const saved = store.loadUsageState()
  /** What is not in the days' rows yet. */
  let unsaved = new Map<number, UsageSum>()
  let savedSeq = saved.seq
  let flushMs: number | null = null
  const minutes = createWindowMap(saved.minutes, noVolume)
  const months = createWindowMap(saved.months, noVolume)

  function count(usage: BatchUsage, nowMs: number): void {
    const day = dayOf(nowMs)
    let sum = unsaved.get(day)
    if (sum === undefined) unsaved.set(day, (sum = newUsageSum()))
    addUsage(sum, usage, usageSourcesPerDayMax)
    addVolume(minutes.at(minuteOf(nowMs)), usage.stored)
    addVolume(months.at(monthOf(nowMs)), usage.stored)
  }

  return {
    /** Counts a batch whose first block is at `firstSeq`: when it is stored, and again for each block read at wake. */
    countStored(usage: BatchUsage, firstSeq: number, createdMs: number): void {
      if (firstSeq > savedSeq) count(usage, createdMs)
    },

    /** Counts a batch of which nothing was stored. */
    countRefused(usage: BatchUsage, nowMs: number): void {
      count(usage, nowMs)
      flushMs ??= nowMs + usageFlushMs
    },

    /** When `save` is due for refused batches; null when nothing waits. */
    dueMs: (): number | null => flushMs,

    /**
     * Writes all that is not in the days' rows yet, in a transaction of the caller, who calls what is answered once that holds.
     * `lastSeq` is the newest row stored: all up to it are counted.
     */
    save(lastSeq: number): () => void {
      for (const [day, sum] of unsaved) {
        const before = store.readDay(day)
        const total = newUsageSum()
        if (before !== undefined) addUsage(total, before, usageSourcesPerDayMax)
        addUsage(total, usageOf(sum, usageSourcesPerDayMax), usageSourcesPerDayMax)
        store.saveDay(day, usageOf(total, usageSourcesPerDayMax))
      }
      store.saveUsageState({ seq: lastSeq, minutes: minutes.entries(), months: months.entries() })
      return () => {
        unsaved = new Map()
        savedSeq = lastSeq
        flushMs = null
      }
    },

    /** Rows and bytes that the shard stored in a minute or month, by its number. */
    storedInMinute: (minute: number): Volume => minutes.peek(minute) ?? noVolume(),
    storedInMonth: (month: number): Volume => months.peek(month) ?? noVolume(),

    /** Days fromDay to toDay, both included, ascending; those without usage are left out. */
    days(fromDay: number, toDay: number): DayUsage[] {
      const sums = new Map<number, UsageSum>()
      const add = (day: number, usage: BatchUsage) => {
        const sum = sums.get(day) ?? newUsageSum()
        sums.set(day, sum)
        addUsage(sum, usage, usageSourcesPerDayMax)
      }
      for (const { day, usage } of store.readDays(fromDay, toDay)) add(day, usage)
      for (const [day, sum] of unsaved) if (day >= fromDay && day <= toDay) add(day, usageOf(sum, usageSourcesPerDayMax))
      return Array.from(sums, ([day, sum]) => ({ day, usage: usageOf(sum, usageSourcesPerDayMax) })).toSorted((a, b) => a.day - b.day)
    },
  }
}
