import { expect, test } from 'vitest'
import { runs } from '../support/effort.ts'
import { describeFailure, runSchedules } from './run.ts'

/** Schedules of a usual run, and the time after which no more begin. */
const schedules = runs(200)
const millisecondsMax = runs(20_000)

test('whatever happens in whatever order, shards keep, find and remove rows as a plain list would', async () => {
  const firstSeed = Date.now() % 2 ** 31
  const began = performance.now()
  const result = await runSchedules(firstSeed, schedules, () => performance.now() - began < millisecondsMax)
  console.log(`${result.schedules} schedules from seed ${firstSeed}: ${JSON.stringify(result.totals)}`)
  if (result.failure !== undefined) throw new Error(describeFailure(result.failure))
  expect(result.totals.operations).toBeGreaterThan(result.schedules)
  expect(result.totals.faults).toBeGreaterThan(0)
}, 3_600_000)
