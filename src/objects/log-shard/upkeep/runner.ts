import { jobKilledMs } from '../../../core/limits.ts'
import { createBackOff } from './back_off.ts'
import { inTransaction } from './commit.ts'
import { ErasureTooSlowError } from './cull.ts'
import { erase, failErasure } from './erase.ts'
import { fold } from './fold.ts'
import { collectGarbage } from './garbage.ts'
import type { Due, Job, JobContext, JobKind } from './job.ts'
import { merge } from './merge.ts'
import { nextJob } from './next_job.ts'
import { retain } from './retention.ts'
import { seal } from './seal.ts'
import { viewOf } from './view.ts'

export type Runner = ReturnType<typeof createRunner>

/**
 * Runs the shard's jobs, one at a time. Nothing of a job counts before its transaction, so that one that fails or is killed is
 * simply begun again. `setAlarm` is told when to call `alarm`.
 */
export function createRunner(context: JobContext, setAlarm: (ms: number | null) => void) {
  const { now } = context
  const backOff = createBackOff()
  const exclusive = createMutex()
  const alarm = createAlarmClock(setAlarm)
  const next = (sealThroughSeq = 0): Due | null => nextJob(viewOf(context, sealThroughSeq, backOff.retryMs))

  async function attempt(job: Job): Promise<void> {
    try {
      await run(context, job)
      backOff.succeeded(job.kind)
    } catch (error) {
      if (!(error instanceof ErasureTooSlowError)) {
        backOff.failed(job.kind, now())
        throw error
      }
      failErasure(context, error.id, error.message)
    }
  }

  async function attemptNext(): Promise<void> {
    const due = next()
    if (due === null || due.atMs > now()) return
    // Should this object die at work, whoever wakes it finds the job; and so does this alarm, if nobody does.
    alarm.set(now() + jobKilledMs)
    await attempt(due.job).catch((error: unknown) =>
      context.log('error', 'job failed', { ...context.identity(), job: due.job.kind, error: String(error) }),
    )
  }

  return {
    /** Arms the alarm for whatever the state asks for. */
    start: (): void => alarm.set(next()?.atMs ?? null),

    /** Runs the job that is due, if any, and answers when to be called again; null: not before something happens. Never rejects. */
    alarm: (): Promise<number | null> =>
      exclusive.run(async () => {
        alarm.rang()
        await attemptNext()
        const atMs = next()?.atMs ?? null
        alarm.set(atMs)
        return atMs
      }),

    /** Seals all rows up to `seq` and runs jobs until none is due; rejects when one fails. */
    async sealThrough(seq: number): Promise<void> {
      backOff.clear()
      const step = async () => {
        const due = next(seq)
        if (due === null || due.atMs > now()) return true
        await attempt(due.job)
        return false
      }
      try {
        // Alarms get their turn between two of them.
        while (!(await exclusive.run(step)));
      } finally {
        alarm.set(next()?.atMs ?? null)
      }
    },

    /** A job of this kind may be due at this time. The alarm finds out; here is only room for what costs next to nothing. */
    wakeBy(kind: JobKind, ms: number): void {
      // A job at work looks for the next one when it ends.
      if (!exclusive.isBusy()) alarm.setBy(Math.max(ms, backOff.retryMs.get(kind) ?? 0))
    },
  }
}

/** What the one alarm is set to. */
function createAlarmClock(setAlarm: (ms: number | null) => void) {
  /** Undefined before it was said. */
  let armedMs: number | null | undefined

  function set(ms: number | null): void {
    if (armedMs === ms) return
    armedMs = ms
    setAlarm(ms)
  }

  return {
    set,
    /** At this time or earlier. */
    setBy(ms: number): void {
      if (armedMs === undefined || armedMs === null || armedMs > ms) set(ms)
    },
    /** The platform called it: it is not set any more. */
    rang: () => void (armedMs = null),
  }
}

function createMutex() {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return {
    isBusy: () => waiting > 0,
    /** Runs `work` once all that was given before has ended. */
    run<T>(work: () => Promise<T>): Promise<T> {
      waiting++
      const result = last.then(work).finally(() => void waiting--)
      last = result.catch(() => undefined)
      return result
    },
  }
}

async function run(context: JobContext, job: Job): Promise<void> {
  switch (job.kind) {
    case 'usage':
      return saveUsage(context)
    case 'seal':
      return seal(context)
    case 'erase':
      return erase(context, job.id, job.segment)
    case 'fold':
      return fold(context, job.segment)
    case 'retention':
      return retain(context, job.drop, job.rewrite)
    case 'merge':
      return merge(context, job.segments)
    case 'garbage':
      return collectGarbage(context)
  }
}

function saveUsage({ state }: JobContext): void {
  inTransaction(state, () => [{ afterwards: state.usage.save(state.index.lastSeq()) }])
}
