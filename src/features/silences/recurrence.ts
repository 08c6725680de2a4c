import { nextCronMs } from '../../core/cron.ts'
import { silenceWindowsJoinedMax } from '../../core/limits.ts'

/** A maintenance window: from each time that the cron expression names in the time zone, so many minutes of real time. */
export interface Recurrence {
  cron: string
  time_zone: string
  duration_minutes: number
}

/** When a silence holds: within these times, and with a recurrence only in its windows. */
export interface SilenceTimes {
  startsAt: number
  /** Null: for ever. */
  endsAt: number | null
  recurrence: Recurrence | null
}

/** From a moment on: until when it holds (null: for ever), or when it begins next (null: never). */
export type SilencePhase = { active: true; untilMs: number | null } | { active: false; nextMs: number | null }

/** Whether the silence holds at this moment; the moment of its end is outside. */
export function holdsAt({ startsAt, endsAt, recurrence }: SilenceTimes, atMs: number): boolean {
  if (atMs < startsAt || (endsAt !== null && atMs >= endsAt)) return false
  return recurrence === null || windowAt(recurrence, atMs) !== null
}

/** Where the silence stands at this moment. Windows that follow each other without a gap count as one. */
export function phaseAt(silence: SilenceTimes, atMs: number): SilencePhase {
  const { startsAt, endsAt, recurrence } = silence
  if (endsAt !== null && atMs >= endsAt) return { active: false, nextMs: null }
  if (holdsAt(silence, atMs)) return { active: true, untilMs: recurrence === null ? endsAt : earlier(endOf(recurrence, atMs), endsAt) }
  const from = Math.max(startsAt, atMs)
  if (holdsAt(silence, from)) return { active: false, nextMs: from }
  const next = recurrence === null ? null : nextStart(recurrence, from)
  return { active: false, nextMs: next !== null && (endsAt === null || next < endsAt) ? next : null }
}

/** Start of the first window that the moment is in; null when it is in none. */
function windowAt(recurrence: Recurrence, atMs: number): number | null {
  const start = nextStart(recurrence, atMs - durationMs(recurrence))
  return start !== null && start <= atMs ? start : null
}

/** When the windows end that the moment is in, with those that begin before or at the end of others; null: not to be foreseen. */
function endOf(recurrence: Recurrence, atMs: number): number | null {
  let end = atMs
  let start = windowAt(recurrence, atMs)
  for (let i = 0; i < silenceWindowsJoinedMax; i++) {
    if (start === null || start > end) return end
    end = start + durationMs(recurrence)
    start = nextStart(recurrence, start)
  }
  return null
}

function nextStart({ cron, time_zone: timeZone }: Recurrence, afterMs: number): number | null {
  return nextCronMs({ cron, timeZone }, afterMs)
}

function durationMs({ duration_minutes: minutes }: Recurrence): number {
  return minutes * 60_000
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.min(a, b)
}
