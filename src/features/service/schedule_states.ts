import { isScheduleLate } from '../../core/schedules.ts'
import type { ScheduleName } from '../../core/schedules.ts'
import { isoOrNull } from '../../core/time.ts'
import type { ScheduleRow } from '../../db/schedules.ts'
import type { ScheduleState } from './schema.ts'

/** Where each schedule stands, in the order given; `rows` is what D1 knows of those that this deployment has heard of. */
export function scheduleStates(schedules: readonly ScheduleName[], rows: readonly ScheduleRow[], nowMs: number): ScheduleState[] {
  const known = new Map(rows.map((row) => [row.name, row]))
  return schedules.map(({ name, cron }) => {
    const row = known.get(name)
    return {
      name,
      cron,
      status: statusOf(row, nowMs),
      late: isScheduleLate(cron, { succeededAt: row?.succeededAt ?? null, knownAt: row?.knownAt ?? null }, nowMs),
      started_at: isoOrNull(row?.startedAt),
      ended_at: isoOrNull(row?.endedAt),
      duration_ms: row?.durationMs ?? null,
      succeeded_at: isoOrNull(row?.succeededAt),
      runs: row?.runs ?? 0,
      failures: row?.failures ?? 0,
      skips: row?.skips ?? 0,
    }
  })
}

/** One whose lease is over without an end was killed. */
function statusOf(row: ScheduleRow | undefined, nowMs: number): ScheduleState['status'] {
  if (row === undefined || row.runs === 0) return 'never'
  if (row.leaseId !== null) return row.leaseUntil > nowMs ? 'running' : 'failed'
  return row.outcome ?? 'never'
}
