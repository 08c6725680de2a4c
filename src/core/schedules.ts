import { nextCronMs } from './cron.ts'
import { minuteScheduleRunMsMax, scheduleLateIntervals, scheduleRunMsMax } from './limits.ts'

/** What of a schedule everybody may know (src/jobs/schedules.ts has them). */
export interface ScheduleName {
  /** Its name in D1, /health/detailed and /metrics. */
  readonly name: string
  /** Cron expression of wrangler.toml, in UTC. */
  readonly cron: string
}

/** Milliseconds from one time of a cron expression to the next; ours are even. Throws where there are no two. */
export function intervalMsOf(cron: string): number {
  const place = { cron, timeZone: 'UTC' }
  const first = nextCronMs(place, 0)
  const second = first === null ? null : nextCronMs(place, first)
  if (first === null || second === null) throw new Error(`${cron} does not come again`)
  return second - first
}

/** How long a run of a schedule may take. */
export function runMsMaxOf(cron: string): number {
  return intervalMsOf(cron) <= 60_000 ? minuteScheduleRunMsMax : scheduleRunMsMax
}

/**
 * Whether a schedule should have succeeded by now: neither it nor its being made known is younger than some of its intervals. One
 * that a deployment has not heard of yet is not late.
 */
export function isScheduleLate(
  cron: string,
  { succeededAt, knownAt }: { succeededAt: number | null; knownAt: number | null },
  nowMs: number,
): boolean {
  const since = succeededAt ?? knownAt
  return since !== null && nowMs - since > scheduleLateIntervals * intervalMsOf(cron)
}
