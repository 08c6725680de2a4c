import { parentPort } from 'node:worker_threads'
import type { ThreadOutcome } from './run.ts'
import { runSchedule } from './schedule.ts'

/** Runs the schedule of each seed that comes, and says what became of it; who asked runs a failure again to see it. */
parentPort?.on('message', (seed: number) => {
  void runSchedule(seed).then(({ totals, failure }) => {
    const outcome: ThreadOutcome = { totals, isFailure: failure !== undefined }
    parentPort?.postMessage(outcome, [])
  })
})
