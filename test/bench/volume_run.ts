import { sealBytesDefault } from '../../src/core/limits.ts'
import { costLines, ingestCosts, queryCosts, storageCosts } from './costs.ts'
import type { Figure } from './figures.ts'
import { measureSearch } from './http.ts'
import { memoryFigures, memoryTable } from './memory.ts'
import { readMeter, spent } from './meter.ts'
import { sampleWorkerd } from './processes.ts'
import type { Sample } from './processes.ts'
import { ingestFigures, ingestVolume } from './volume.ts'
import { measureVolumeQueries } from './volume_queries.ts'
import { startBenchWorld } from './world.ts'
import type { BenchWorld } from './world.ts'

const batchRows = 1000
/** The volume that the targets are for; a smaller one is sealed in smaller pieces, so that there are as many. */
const fullRows = 10_000_000

export interface VolumeReport {
  /** Figures of a part, as soon as they are there. */
  part(title: string, figures: readonly Figure[]): void
  line(text: string): void
}

/** Ingest, storage, queries, costs and memory of one organization with so many rows, in a server of its own. */
export async function measureVolume(rows: number, nowMs: number, report: VolumeReport): Promise<Sample[]> {
  const sealBytes = Math.max(1024 * 1024, Math.min(sealBytesDefault, Math.ceil(sealBytesDefault * (rows / fullRows))))
  const world = await startBenchWorld({ SEAL_BYTES: `${sealBytes}` })
  const sampler = sampleWorkerd(world.inspector)
  try {
    const before = await readMeter(world)
    const cpuBefore = sampler.cpuMs()
    sampler.phase('ingest')
    const ingested = await ingestVolume(world, rows, batchRows, nowMs - rows * 2, report.line)
    const settledSeconds = await settle(world)
    const cpuMs = sampler.cpuMs() - cpuBefore
    const after = await readMeter(world)
    report.part('Ingest', [...ingestFigures(ingested, cpuMs), { name: 'until sealing and merging rest', value: settledSeconds, unit: 's' }])
    const stored = await storedBytes(world)
    report.part('Cost', [...ingestCosts(ingested, before, after, cpuMs, stored.shards), ...storageCosts(ingested, stored)])
    for (const line of costLines(spent(before, after))) report.line(line)
    sampler.phase('queries')
    const queries = await measureVolumeQueries(world, ingested, sampler.cpuMs)
    report.part('Queries', rows < fullRows ? queries.map(withoutTarget) : queries)
    sampler.phase('search beside ingest')
    report.part('Search beside ingest', await measureSearch(world, nowMs))
    sampler.phase('pricing')
    report.part('Cost of queries', await queryCosts(world, ingested, report.line))
    report.part('Memory', memoryFigures(sampler.samples()))
    for (const line of memoryTable(sampler.samples())) report.line(line)
    return [...sampler.samples()]
  } finally {
    sampler.stop()
    await world.stop()
  }
}

/** A rare word in few rows stands in a large part of their blocks. */
function withoutTarget({ name, value, unit }: Figure): Figure {
  return { name, value, unit }
}

/** Waits until the list of segments stays as it is; answers the seconds that took. */
async function settle(world: BenchWorld): Promise<number> {
  const began = performance.now()
  let before = ''
  for (let same = 0; same < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const now = await (await manage(world, 'segments?limit=100')).text()
    same = now === before ? same + 1 : 0
    before = now
  }
  return (performance.now() - began) / 1000 - 3
}

/** From the gauges of /metrics: what the shards said last. */
async function storedBytes(world: BenchWorld): Promise<{ hotBytes: number; segmentBytes: number; shards: number }> {
  const response = await fetch(`${world.url}/metrics`, { headers: { authorization: `Bearer ${world.metricsToken}` } })
  const text = await response.text()
  const gauge = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
  const bytes = (storage: string) => gauge(`edgelog_stored_bytes\\{storage="${storage}"\\}`)
  return { hotBytes: bytes('durable_object'), segmentBytes: bytes('r2'), shards: gauge('edgelog_shards') }
}

function manage(world: BenchWorld, path: string): Promise<Response> {
  return fetch(`${world.url}/api/v1/logs/${path}`, { headers: { authorization: `Bearer ${world.adminKey}` } })
}
