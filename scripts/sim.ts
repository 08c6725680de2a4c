import { availableParallelism } from 'node:os'
import { describeFailure, parseSteps, runInThreads } from '../test/sim/run.ts'
import { runSchedule } from '../test/sim/schedule.ts'
import { bar, endingSignal, interruptedCode, main, parseFlags, progressLine, seconds, thousands, usageError } from './dev/terminal.ts'

const usage = `Simulates what clients, the platform and its faults do to log shards, and holds every answer against a plain list of rows.

  npm run sim -- [options]

  --runs N            schedules to run (default 1000)
  --seed S            seed of the first schedule; the others follow (default: by the clock)
  --steps LIST        run only the schedule of --seed, only these steps of it (1-20,35, or all), and print all that happens

Exit code: 0 when all schedules passed, 1 when one failed: the shortest that fails alike is printed.`

const flags = { runs: { type: 'string' }, seed: { type: 'string' }, steps: { type: 'string' } } as const

/**
 * `npm run sim`: schedules of everything that clients, the platform and its faults do to log shards, each from a seed, held
 * against a plain list of rows. The first failure ends it, with the shortest schedule that was found to fail alike.
 */
await main(async () => {
  const options = parseOptions()
  if (options === undefined) return 0
  const { runs, seed, steps } = options
  if (steps !== undefined) return runOne(seed, steps)
  console.log(`${thousands(runs)} schedules, seeds ${seed} to ${seed + runs - 1}`)
  const began = performance.now()
  const elapsed = () => performance.now() - began
  const ending = endingSignal()
  const line = progressLine(process.stdout)
  const { schedules, totals, failure } = await runInThreads(seed, runs, availableParallelism(), (done, { operations, kills, faults }) => {
    line.update(
      () =>
        `${bar(done, runs)}${thousands(done)} schedules, ${thousands(operations)} operations, ${thousands(kills)} kills, ${thousands(faults)} faults, ${seconds(elapsed())}`,
    )
    return !ending.aborted
  })
  line.end()
  if (failure !== undefined) {
    console.log(`\n${describeFailure(failure)}`)
    console.log(`${thousands(schedules)} schedules ran, in ${seconds(elapsed())}.`)
    return 1
  }
  const counts = Object.entries<number>({ ...totals }).map(([name, count]) => `${thousands(count)} ${name}`)
  console.log(`${thousands(schedules)} schedules passed in ${seconds(elapsed())}: ${counts.join(', ')}.`)
  return ending.aborted ? interruptedCode : 0
})

async function runOne(seed: number, steps: readonly number[] | 'all'): Promise<number> {
  const { totals, failure, trace } = await runSchedule(seed, steps === 'all' ? undefined : steps)
  if (failure !== undefined) {
    console.log(describeFailure(failure))
    return 1
  }
  for (const event of trace) console.log(`  ${event}`)
  console.log(`Schedule ${seed} passed: ${JSON.stringify(totals)}`)
  return 0
}

/** Undefined when help was asked for. */
function parseOptions(): { runs: number; seed: number; steps: readonly number[] | 'all' | undefined } | undefined {
  const values = parseFlags(usage, { options: flags })?.values
  if (values === undefined) return undefined
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : natural(values.seed, '--seed')
  const runs = values.runs === undefined ? 1000 : natural(values.runs, '--runs')
  if (values.steps === undefined) return { runs, seed, steps: undefined }
  const steps = values.steps === 'all' ? 'all' : parseSteps(values.steps)
  if (steps === undefined || values.seed === undefined)
    throw usageError(usage, '--steps must be a list like 1-20,35, or all, and comes with --seed.')
  return { runs: 1, seed, steps }
}

function natural(text: string, name: string): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) >= 2 ** 31)
    throw usageError(usage, `${name} must be a whole number from 0 to ${2 ** 31 - 1}.`)
  return Number(text)
}
