import { once } from 'node:events'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Failure } from './schedule.ts'
import { runSchedule } from './schedule.ts'
import type { Totals } from './world.ts'

/** Schedules that a shrink may run: some seconds. */
const shrinkRunsMax = 300
/** Lines of the trace that are shown: the last ones say what broke. */
const traceLinesMax = 120

export interface SimResult {
  schedules: number
  totals: Totals
  /** The first failure, with as few steps as were found to bring it about. */
  failure: Failure | undefined
}

/** Runs schedules with seeds from `firstSeed` on until one fails, `goesOn` says no, or `runs` are done. */
export async function runSchedules(firstSeed: number, runs: number, goesOn: (done: number, totals: Totals) => boolean): Promise<SimResult> {
  const totals = noTotals()
  let schedules = 0
  while (schedules < runs && goesOn(schedules, totals)) {
    const done = await runSchedule(firstSeed + schedules)
    schedules++
    addTotals(totals, done.totals)
    if (done.failure !== undefined) return { schedules, totals, failure: await shrink(done.failure) }
  }
  return { schedules, totals, failure: undefined }
}

/** The same in several threads; of failures that come at once, one is told. */
export async function runInThreads(
  firstSeed: number,
  runs: number,
  threads: number,
  goesOn: (done: number, totals: Totals) => boolean,
): Promise<SimResult> {
  const totals = noTotals()
  const failed: number[] = []
  let begun = 0
  let done = 0
  await Promise.all(
    Array.from({ length: Math.min(threads, runs) }, async () => {
      const worker = new Worker(join(import.meta.dirname, 'thread.ts'))
      while (begun < runs && failed.length === 0 && goesOn(done, totals)) {
        const seed = firstSeed + begun++
        const outcome = await answerOf(worker, seed)
        done++
        addTotals(totals, outcome.totals)
        if (outcome.isFailure) failed.push(seed)
      }
      await worker.terminate()
    }),
  )
  const [seed] = failed
  if (seed === undefined) return { schedules: done, totals, failure: undefined }
  const { failure } = await runSchedule(seed)
  if (failure === undefined) throw new Error(`schedule ${seed} failed in its thread, and passes here: something in it is not from the seed`)
  return { schedules: done, totals, failure: await shrink(failure) }
}

export interface ThreadOutcome {
  totals: Totals
  isFailure: boolean
}

async function answerOf(worker: Worker, seed: number): Promise<ThreadOutcome> {
  worker.postMessage(seed, [])
  const [outcome] = (await once(worker, 'message')) as [ThreadOutcome]
  return outcome
}

function noTotals(): Totals {
  return { operations: 0, rows: 0, queries: 0, kills: 0, faults: 0, alarms: 0, seals: 0, rewrites: 0 }
}

function addTotals(totals: Totals, more: Totals): void {
  for (const name of Object.keys(totals) as (keyof Totals)[]) totals[name] += more[name]
}

/** Leaves out steps as long as the schedule still fails: halves first, then ever smaller parts. */
export async function shrink(failure: Failure): Promise<Failure> {
  let best = failure
  let runs = 0
  for (let size = best.steps.length >>> 1; size >= 1 && runs < shrinkRunsMax; size = size === 1 ? 0 : (size + 1) >>> 1) {
    for (let start = 0; start < best.steps.length && runs < shrinkRunsMax;) {
      const fewer = best.steps.toSpliced(start, size)
      runs++
      const { failure: smaller } = await runSchedule(best.seed, fewer)
      if (smaller !== undefined && smaller.error.name === failure.error.name) best = smaller
      else start += size
    }
  }
  return best
}

/** What failed, how to see it again, and what led there. */
export function describeFailure({ seed, steps, error, trace }: Failure): string {
  const shown = trace.slice(-traceLinesMax)
  const left = trace.length - shown.length
  return [
    `Schedule ${seed} failed: ${error.message}`,
    '',
    'Run just this again:',
    `  npm run sim -- --seed ${seed} --steps ${ranges(steps)}`,
    '',
    `What happened (the number is that of the step${left > 0 ? `; ${left} lines before are left out` : ''}):`,
    ...shown.map((line) => `  ${line}`),
    '',
    inspect(error),
  ].join('\n')
}

/** `1-4,9` for 1, 2, 3, 4, 9; `none` for no step. */
function ranges(steps: readonly number[]): string {
  const parts: { from: number; to: number }[] = []
  for (const step of steps) {
    const last = parts.at(-1)
    if (last?.to === step - 1) last.to = step
    else parts.push({ from: step, to: step })
  }
  return parts.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(',') || 'none'
}

/** The opposite of `ranges`; undefined when the text is not one. */
export function parseSteps(text: string): number[] | undefined {
  if (text === 'none') return []
  const steps: number[] = []
  for (const part of text.split(',')) {
    const [, from, to] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part) ?? []
    if (from === undefined) return undefined
    for (let step = Number(from); step <= Number(to ?? from); step++) steps.push(step)
  }
  return steps
}
