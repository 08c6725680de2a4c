import { jobKilledMs, jobRetryWaitsMs } from '../../../core/limits.ts'
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
  const { state, limits, now } = context
  const failures = new Map<JobKind, number>()
  const retryMs = new Map<JobKind, number>()
  /** When `alarm` is called next; undefined before it was said. */
  let armedMs: number | null | undefined
  let busy: Promise<unknown> = Promise.resolve()
  let running = 0

  function next(sealThroughSeq = 0): Due | null {
    return nextJob(viewOf(state, { nowMs: now(), limits, sealThroughSeq, retryMs, absent: context.absent }))
  }

  function arm(ms: number | null): void {
    if (armedMs === ms) return
    armedMs = ms
    setAlarm(ms)
  }

  /** One after the other, whoever asks. */
  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    running++
    const result = busy.then(work).finally(() => void running--)
    busy = result.catch(() => undefined)
    return result
  }

  async function attempt(job: Job): Promise<void> {
    try {
      await run(context, job)
      failures.delete(job.kind)
      retryMs.delete(job.kind)
    } catch (error) {
      if (error instanceof ErasureTooSlowError) {
        failErasure(context, error.id, error.message)
        return
      }
      const count = failures.get(job.kind) ?? 0
      failures.set(job.kind, count + 1)
      retryMs.set(job.kind, now() + (jobRetryWaitsMs[count] ?? jobRetryWaitsMs.at(-1)!))
      throw error
    }
  }

  return {
    /** Runs the job that is due, if any, and answers when to be called again; null: not before something happens. Never rejects. */
    alarm: (): Promise<number | null> =>
      exclusive(async () => {
        armedMs = null
        const due = next()
        if (due !== null && due.atMs <= now()) {
          // Should this object die at work, whoever wakes it finds the job; and so does this alarm, if nobody does.
          arm(now() + jobKilledMs)
          await attempt(due.job).catch((error: unknown) =>
            context.log('error', 'job failed', { ...context.identity(), job: due.job.kind, error: String(error) }),
          )
        }
        arm(next()?.atMs ?? null)
        return armedMs
      }),

    /** Seals all rows up to `seq` and runs jobs until none is due; rejects when one fails. */
    async sealThrough(seq: number): Promise<void> {
      for (;;) {
        const isDone = await exclusive(async () => {
          retryMs.clear()
          const due = next(seq)
          if (due === null || due.atMs > now()) return true
          await attempt(due.job)
          return false
        }).finally(() => arm(next()?.atMs ?? null))
        if (isDone) return
      }
    },

    /** Something happened that may make a job due earlier. */
    changed(): void {
      if (running > 0) return
      const atMs = next()?.atMs
      if (atMs !== undefined && (armedMs === undefined || armedMs === null || atMs < armedMs)) arm(atMs)
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
