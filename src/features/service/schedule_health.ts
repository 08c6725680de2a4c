import { healthCacheMs } from '../../core/limits.ts'
import type { ScheduleName } from '../../core/schedules.ts'
import type { BaseCtx } from '../../db/context.ts'
import { scheduleRows } from '../../db/schedules.ts'
import { scheduleStates } from './schedule_states.ts'
import type { ScheduleState } from './schema.ts'

let recent: { startedMs: number; states: Promise<ScheduleState[]> } | undefined

/** Where the schedules stand; D1 is asked at most once in `healthCacheMs` an isolate, as anybody may ask for it. */
export function scheduleHealth(ctx: BaseCtx, schedules: readonly ScheduleName[]): Promise<ScheduleState[]> {
  const startedMs = ctx.now()
  if (recent === undefined || startedMs - recent.startedMs >= healthCacheMs) {
    const states = scheduleRows(ctx).then((rows) => scheduleStates(schedules, rows, ctx.now()))
    recent = { startedMs, states }
    // Others may wait for it when the client of this request has gone.
    ctx.waitUntil(states)
  }
  return recent.states
}
