import { expect, test } from 'vitest'
import { runSchedule } from './schedule.ts'
import { runs } from '../support/effort.ts'

/** SIM_SEED runs one schedule again; TEST_EFFORT sets how many run. */
const schedules = runs(200)
const firstSeed = Number(process.env['SIM_SEED'] || Date.now() % 2 ** 31)

test('a shard answers as a plain list of rows would, whatever happens in whatever order', async () => {
  const seeds = process.env['SIM_SEED'] ? [firstSeed] : Array.from({ length: schedules }, (_, i) => firstSeed + i)
  const totals = { operations: 0, rows: 0, queries: 0, kills: 0, failures: 0 }
  for (const seed of seeds) {
    const done = await runSchedule(seed).catch((error: unknown) => {
      throw new Error(`schedule failed; run it again with SIM_SEED=${seed}`, { cause: error })
    })
    for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += done[key]
  }
  console.log(`seeds ${firstSeed} to ${firstSeed + seeds.length - 1}: ${JSON.stringify(totals)}`)
  expect(totals.operations).toBeGreaterThan(seeds.length)
}, 120_000)
