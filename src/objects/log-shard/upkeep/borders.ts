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

/** Times from here up to the next part go into a segment of their own, or into the one of all strays. */
export interface Part {
  fromMs: number
  isStray: boolean
}

/** Where new segments begin, so that a query of one day reads little of others: see `planParts`. Damaged sources do not count. */
export async function sealPartsOf({ yield: pause }: JobContext, sources: readonly Source[]): Promise<Part[]> {
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
        const block = open(noReadCost())
        addRows(add, block)
        block.release()
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
      }
      await pause()
    }
  }
  return planParts(dayParts(bytes))
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
 * Cuts days, ascending, into parts that get segments of their own, at most `sealDaysMax` of them, and strays between them, which
 * share one: a single row from a clock that is wrong would else make its segment span years, and every query of those years look
 * into it, while a segment for each such row would be too many. Days apart by `sealDayGapMax` or less go together; the largest such group, and each of `sealDayBytesMin`, is a part or more.
 */
export function planParts(days: readonly DayPart[]): Part[] {
  const groups = groupsOf(days)
  const largest = groups.toSorted((a, b) => bytesOf(b) - bytesOf(a)).slice(0, sealDaysMax - 1)
  const isOwn = (group: readonly DayPart[]) =>
    group === largest[0] || (largest.some((each) => each === group) && bytesOf(group) >= sealDayBytesMin)
  let left = sealDaysMax - groups.filter(isOwn).length - 1
  const parts: Part[] = []
  for (const group of groups) {
    const isStray = !isOwn(group)
    if (isStray && parts.at(-1)?.isStray === true) continue
    const cuts = isStray ? [] : cutsOf(group).slice(0, left)
    left -= cuts.length
    for (const day of [group[0]!.day, ...cuts]) parts.push({ fromMs: parts.length === 0 ? 0 : day * dayMs, isStray })
  }
  return parts
}

/** Days between which there is no gap of more than `sealDayGapMax`. */
function groupsOf(days: readonly DayPart[]): DayPart[][] {
  const groups: DayPart[][] = []
  for (const each of days) {
    const last = groups.at(-1)
    if (last === undefined || each.day - last.at(-1)!.day > sealDayGapMax) groups.push([each])
    else last.push(each)
  }
  return groups
}

/** Days at which a group is cut: where both sides have `sealDayBytesMin`. */
function cutsOf(group: readonly DayPart[]): number[] {
  const cuts: number[] = []
  let left = bytesOf(group)
  let part = 0
  for (const { day, bytes } of group) {
    if (part >= sealDayBytesMin && left >= sealDayBytesMin) {
      cuts.push(day)
      part = 0
    }
    part += bytes
    left -= bytes
  }
  return cuts
}

function bytesOf(days: readonly DayPart[]): number {
  return days.reduce((sum, { bytes }) => sum + bytes, 0)
}
