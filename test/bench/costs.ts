import type { CostReport, Costs } from '../../src/core/costs.ts'
import { dollarsOf, objectMemoryGb, prices } from '../../src/core/prices.ts'
import type { Figure } from './figures.ts'
import { readMeter, spent } from './meter.ts'
import type { Ingested, Volume } from './volume.ts'
import { pricedQueries, runPriced } from './volume_queries.ts'
import type { BenchWorld } from './world.ts'

/** What storing the volume cost, by what the meter counted and what processor and objects were busy. */
export function ingestCosts(ingested: Ingested, before: CostReport, after: CostReport, cpuMs: number, shards: number): Figure[] {
  const all = spent(before, after)
  if (all.logs_stored !== ingested.rows) throw new Error(`the meter counted ${all.logs_stored} rows of ${ingested.rows}`)
  const perMillion = (amount: number) => (amount / ingested.rows) * 1e6
  const rowWrites = (all.do_rows_written ?? 0) + (all.d1_rows_written ?? 0)
  const cpu = (cpuMs * prices.worker_cpu_ms.dollars) / prices.worker_cpu_ms.per
  const awake = (ingested.seconds * shards * objectMemoryGb * prices.do_duration.dollars) / prices.do_duration.per
  const batches = `batches of ${ingested.batchRows.toLocaleString('en-US')}`
  return [
    {
      name: `row writes for a million logs, ${batches}, sealing included`,
      value: perMillion(rowWrites),
      unit: 'rows',
      target: 2000,
      higherIsBetter: false,
    },
    { name: 'R2 writes (class A) for a million logs', value: perMillion(all.r2_class_a ?? 0), unit: '' },
    { name: 'R2 reads (class B) for a million logs, merging', value: perMillion(all.r2_class_b ?? 0), unit: '' },
    { name: 'object requests for a million logs', value: perMillion(all.do_requests ?? 0), unit: '' },
    { name: 'counted calls of a million logs', value: perMillion(dollarsOf(all)), unit: 'dollars' },
    { name: 'processor time of a million logs, storages included', value: perMillion(cpu), unit: 'dollars' },
    { name: 'time awake of the shards for a million logs', value: perMillion(awake), unit: 'dollars' },
    { name: 'a million logs in all', value: perMillion(dollarsOf(all) + cpu + awake), unit: 'dollars' },
  ]
}

/** Where the counted dollars of the ingest went, dearest first. */
export function costLines(costs: Costs): string[] {
  return Object.entries(costs)
    .filter(([, amount]) => amount > 0)
    .map(([kind, amount]) => ({ kind, amount, dollars: dollarsOf({ [kind]: amount }) }))
    .toSorted((a, b) => b.dollars - a.dollars)
    .map(
      ({ kind, amount, dollars }) =>
        `  ${kind.padEnd(20)} ${Math.round(amount).toLocaleString('en-US').padStart(18)}   $${dollars.toFixed(6)}`,
    )
}

/** What a month of a GB of raw logs costs, and what of it is sealed. */
export function storageCosts({ rawBytes }: Ingested, stored: { hotBytes: number; segmentBytes: number }): Figure[] {
  const bytes = stored.hotBytes + stored.segmentBytes
  const sealedGb = (rawBytes / bytes) ** -1 * prices.r2_stored.dollars
  return [
    { name: 'raw over stored, 230-byte lines with random ids, hot and sealed', value: rawBytes / bytes, unit: 'times' },
    { name: 'part of the stored bytes that is sealed', value: (stored.segmentBytes / bytes) * 100, unit: '%' },
    { name: 'a month of a GB of raw logs, sealed', value: sealedGb, unit: 'dollars' },
    { name: 'a month of a GB as stored in R2', value: prices.r2_stored.dollars, unit: 'dollars' },
  ]
}

/** Dollars of one query of each kind, from what the meter counted over some of them. */
export async function queryCosts(world: BenchWorld, volume: Volume, progress: (text: string) => void): Promise<Figure[]> {
  const figures: Figure[] = []
  const first = await readMeter(world)
  let before = await readMeter(world)
  // What reading the meter itself spends.
  const reading = dollarsOf(spent(first, before))
  for (const name of Object.keys(pricedQueries)) {
    const count = name === 'full text scan' ? 3 : 20
    progress(`  pricing: ${name}`)
    await runPriced(world, volume, name, count)
    const after = await readMeter(world)
    const dollars = (dollarsOf(spent(before, after)) - reading) / count
    figures.push({ name: `a million queries: ${name}, counted calls`, value: dollars * 1e6, unit: 'dollars' })
    before = after
  }
  return figures
}
