import { dateOf, dayMs, dayOf, hourMs } from '../core/calendar.ts'
import { digestHour } from '../core/limits.ts'

/** The seven days (UTC) that a digest tells of. */
export interface DigestWeek {
  /** `yyyy-mm-dd`: the first day, and the one after the last. */
  readonly fromDay: string
  readonly toDay: string
  readonly fromMs: number
  readonly toMs: number
}

/** Where a day begins first, in the middle, and last. */
const offsets = [14, 0, -12]

/**
 * The week to tell of while it is Monday anywhere on Earth: Sunday to Saturday before, which is over everywhere at the first
 * Monday's eight o'clock. Undefined while it is Monday nowhere.
 */
export function digestWeek(nowMs: number): DigestWeek | undefined {
  for (const offset of offsets) {
    const localMs = nowMs + offset * hourMs
    if (new Date(localMs).getUTCDay() !== 1) continue
    const sunday = dayOf(localMs) - 1
    return { fromDay: dateOf(sunday - 7), toDay: dateOf(sunday), fromMs: (sunday - 7) * dayMs, toMs: sunday * dayMs }
  }
  return undefined
}

/** Whether it is Monday, eight o'clock or later, in a time zone. One that this runtime does not know any more counts as UTC. */
export function isDigestTime(timeZone: string | null, nowMs: number): boolean {
  const { weekday, hour } = localTime(timeZone ?? 'UTC', nowMs)
  return weekday === 'Mon' && hour >= digestHour
}

function localTime(timeZone: string, nowMs: number): { weekday: string; hour: number } {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: 'numeric', hourCycle: 'h23' })
    const parts = Object.fromEntries(format.formatToParts(nowMs).map(({ type, value }) => [type, value] as const))
    return { weekday: parts.weekday ?? '', hour: Number(parts.hour) }
  } catch (error) {
    if (error instanceof RangeError && timeZone !== 'UTC') return localTime('UTC', nowMs)
    throw error
  }
}
