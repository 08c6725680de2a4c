import { dayMs, dayOf } from '../../../core/calendar.ts'
import { sealDayBytesMin, sealDayGapMax, sealDaysMax } from '../../../core/limits.ts'
import { BlockError } from '../../../engine/block/block_error.ts'
import { noReadCost } from '../../../engine/block/read_cost.ts'
import type { Block } from '../../../engine/block/types.ts'
import type { JobContext } from './job.ts'
import type { Source } from './source.ts'

/** Rows of a day, and about the bytes that they take. */
export interface DayPart {
  /** Since 1970-01-01 UTC. */
  day: number
  bytes: number
}

/** Where new segments begin, so that a query of one day reads little of others: see `planBorders`. Damaged sources do not count. */
export async function bordersOf({ yield: pause }: JobContext, sources: readonly Source[]): Promise<number[]> {
  const bytes = new Map<number, number>()
  const add = (day: number, more: number) => bytes.set(day, (bytes.get(day) ?? 0) + more)
  for (const { blocks } of sources) {
    for (const { meta, open } of blocks) {
      const first = dayOf(meta.minMs)
      if (first === dayOf(meta.maxMs)) {
        add(first, meta.bytes)
        continue
      }
      try {
        addRows(add, open(noReadCost()))
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
      }
      await pause()
    }
  }
  return planBorders(dayParts(bytes))
}

/** A function of its own: a loop over numbers stands apart from objects with number fields, see engine/encode/extent.ts. */
function addRows(add: (day: number, bytes: number) => void, block: Block): void {
  const { rows, bytes } = block.meta
  for (let row = 0; row < rows; row++) add(dayOf(block.timestampMs(row)), bytes / rows)
}

/** Ascending. */
function dayParts(bytesOf: ReadonlyMap<number, number>): DayPart[] {
  return Array.from(bytesOf, ([day, bytes]) => ({ day, bytes })).sort((a, b) => a.day - b.day)
}

/**
 * Cuts days, ascending, into at most `sealDaysMax` parts; answers the beginnings of all parts but the first. A border stands
 * where both sides have `sealDayBytesMin`, and where more than `sealDayGapMax` days lie between: a single row from a clock that
 * is wrong would else make its segment span years, and every query of those years look into it.
 */
export function planBorders(days: readonly DayPart[]): number[] {
  const borders: number[] = []
  let left = days.reduce((sum, { bytes }) => sum + bytes, 0)
  let part = 0
  for (const [i, { day, bytes }] of days.entries()) {
    const before = days[i - 1]
    if (before !== undefined && borders.length < sealDaysMax - 1) {
      const isFar = day - before.day > sealDayGapMax
      if (isFar || (part >= sealDayBytesMin && left >= sealDayBytesMin)) {
        borders.push(day * dayMs)
        part = 0
      }
    }
    part += bytes
    left -= bytes
  }
  return borders
}
