import { jobRetryWaitsMs } from '../../../core/limits.ts'
import type { JobKind } from './job.ts'

/** How long jobs of a kind wait after one has failed: longer each time, while other kinds go on. */
export function createBackOff() {
  const failures = new Map<JobKind, number>()
  const retryMs = new Map<JobKind, number>()
  return {
    /** Kinds that failed are not tried before this. */
    retryMs: retryMs as ReadonlyMap<JobKind, number>,

    succeeded(kind: JobKind): void {
      failures.delete(kind)
      retryMs.delete(kind)
    },

    failed(kind: JobKind, nowMs: number): void {
      const count = failures.get(kind) ?? 0
      failures.set(kind, count + 1)
      retryMs.set(kind, nowMs + (jobRetryWaitsMs[count] ?? jobRetryWaitsMs.at(-1)!))
    },

    /** Everything may be tried at once. */
    clear: () => retryMs.clear(),
  }
}
