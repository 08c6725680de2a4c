import { messageOf } from '../core/error_message.ts'
import { scheduleErrorCharsMax, scheduleLeaseMarginMs } from '../core/limits.ts'
import { writeLine } from '../core/log_line.ts'
import { runMsMaxOf } from '../core/schedules.ts'
import type { ScheduleName } from '../core/schedules.ts'
import { within } from '../core/within.ts'
import type { BaseCtx } from '../db/context.ts'
import { claimSchedules, endSchedule } from '../db/schedules.ts'
import type { Lease } from '../db/schedules.ts'
import { jobCtx } from './job_ctx.ts'

/** Work that begins by itself at the times of a cron expression. Doing it twice leaves what once leaves. */
export interface Schedule extends ScheduleName {
  run(ctx: BaseCtx): Promise<void>
}

/**
 * Runs the schedules of a cron expression, at the same time and each for itself, but for those that somebody else is running still.
 * What they begin has an id of its own each. Throws what one threw, once all have ended.
 */
export async function runSchedules(base: BaseCtx, cron: string, all: readonly Schedule[]): Promise<void> {
  const due = all.filter((one) => one.cron === cron)
  if (due.length === 0) throw new Error(`no schedule is ${cron}`)
  const runMsMax = runMsMaxOf(cron)
  const names = due.map(({ name }) => name)
  const leases = await claimSchedules(base, { names, all: all.map(({ name }) => name), leaseMs: runMsMax + scheduleLeaseMarginMs })
  const failures: unknown[] = []
  await Promise.all(
    due.map(async (schedule) => {
      const lease = leases.find(({ name }) => name === schedule.name)
      if (lease === undefined) {
        // It goes on for longer than its interval, or was killed and holds its lease for a while.
        base.log.warn('schedule skipped: its last run holds it still', { schedule: schedule.name })
        return
      }
      await runOne(base, schedule, lease, runMsMax).catch((error: unknown) => failures.push(error))
    }),
  )
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, `several schedules of ${cron} failed`)
}

async function runOne(base: BaseCtx, schedule: Schedule, lease: Lease, runMsMax: number): Promise<void> {
  const startedMs = base.now()
  const { ctx, line } = jobCtx(base, base.newId(), { schedule: schedule.name })
  let failure: Error | undefined
  // A run that throws before its first await has failed as well.
  await within(
    Promise.resolve().then(() => schedule.run(ctx)),
    runMsMax,
  ).catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error))
    ctx.log.error('schedule failed', failure)
  })
  const outcome = failure === undefined ? 'ok' : 'failed'
  const error = failure === undefined ? null : messageOf(failure).slice(0, scheduleErrorCharsMax)
  const run = { request_id: ctx.requestId, run_id: base.requestId, schedule: schedule.name, outcome, ms: base.now() - startedMs }
  writeLine('info', 'schedule', { ...line, ...run })
  await endSchedule(ctx, lease, { startedMs, error })
  if (failure !== undefined) throw failure
}
