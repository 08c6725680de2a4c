import type { BenchWorld } from './world.ts'
import { type Figure, median, quantile } from './figures.ts'
import { jsonLines } from './lines.ts'

const batchRows = 2000
const parallelRequests = 4

async function post(url: string, body: Uint8Array, headers: Record<string, string>): Promise<number> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/x-ndjson', ...headers }, body })
  const reply = (await response.json()) as { accepted?: number }
  if (!response.ok || reply.accepted !== batchRows) throw new Error(`${url} answered ${response.status} ${JSON.stringify(reply)}`)
  return reply.accepted
}

/** Sends all batches, a few at a time, and answers rows a second and each batch's milliseconds. */
async function drive(
  url: string,
  batches: readonly Uint8Array[],
  headers: Record<string, string>,
): Promise<{ rowsPerSecond: number; latencies: number[] }> {
  const latencies: number[] = []
  let next = 0
  const start = performance.now()
  const worker = async (): Promise<void> => {
    for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
      const sent = performance.now()
      await post(url, batch, headers)
      latencies.push(performance.now() - sent)
    }
  }
  await Promise.all(Array.from({ length: parallelRequests }, worker))
  return { rowsPerSecond: (batches.length * batchRows) / ((performance.now() - start) / 1000), latencies }
}

function batchesOf(lines: readonly string[]): Uint8Array[] {
  const encoder = new TextEncoder()
  const batches: Uint8Array[] = []
  for (let i = 0; i < lines.length; i += batchRows) batches.push(encoder.encode(lines.slice(i, i + batchRows).join('\n')))
  return batches
}

/** Edgelog and the row-per-log D1 baseline get the same bodies, in turns, so that a noisy machine hits both. */
export async function measureIngest(world: BenchWorld, startMs: number): Promise<Figure[]> {
  const rounds = 5
  const ours: number[] = []
  const indexed: number[] = []
  const bare: number[] = []
  const latencies: number[] = []
  const headers = { authorization: `Bearer ${world.ingestKey}` }
  await drive(`${world.url}/api/v1/logs`, batchesOf(jsonLines(40_000, startMs, 1)), headers)
  await drive(`${world.baselineUrl}/indexed`, batchesOf(jsonLines(8_000, startMs, 1)), {})
  for (let round = 0; round < rounds; round++) {
    const batches = batchesOf(jsonLines(100_000, startMs + round * 200_000, round + 2))
    const run = await drive(`${world.url}/api/v1/logs`, batches, headers)
    ours.push(run.rowsPerSecond)
    latencies.push(...run.latencies)
    indexed.push((await drive(`${world.baselineUrl}/indexed`, batches.slice(0, 10), {})).rowsPerSecond)
    bare.push((await drive(`${world.baselineUrl}/bare`, batches.slice(0, 10), {})).rowsPerSecond)
  }
  return [
    {
      name: 'ingest over HTTP, 2,000-row NDJSON batches, acknowledged durable',
      value: median(ours),
      unit: 'rows/s',
      target: 100_000,
      higherIsBetter: true,
    },
    { name: 'row-per-log D1 baseline: an INSERT a log, indexed', value: median(indexed), unit: 'rows/s' },
    { name: 'ingest against that baseline', value: median(ours) / median(indexed), unit: 'times', target: 10, higherIsBetter: true },
    { name: 'bare D1 table, 14 rows a statement, no index', value: median(bare), unit: 'rows/s' },
    { name: 'ingest against the bare table', value: median(ours) / median(bare), unit: 'times' },
    { name: 'ingest batch latency, p50', value: quantile(latencies, 0.5), unit: 'ms' },
    { name: 'ingest batch latency, p99', value: quantile(latencies, 0.99), unit: 'ms' },
  ]
}

async function search(world: BenchWorld, q: string): Promise<{ ms: number; stats: Record<string, number> }> {
  const start = performance.now()
  const response = await fetch(`${world.url}/api/v1/logs/search?limit=50&q=${encodeURIComponent(q)}`, {
    headers: { authorization: `Bearer ${world.queryKey}` },
  })
  const reply = (await response.json()) as { stats: Record<string, number> }
  if (!response.ok) throw new Error(`search answered ${response.status} ${JSON.stringify(reply)}`)
  return { ms: performance.now() - start, stats: reply.stats }
}

/** Search latency over what `measureIngest` stored: alone, then while batches keep coming in. */
export async function measureSearch(world: BenchWorld, startMs: number): Promise<Figure[]> {
  const queries = ['level:error source:checkout', 'finished', 'status:>=500', 'nosuchword', '"request 0000"']
  const rounds = 40
  const run = async (): Promise<number[]> => {
    const times: number[] = []
    for (let i = 0; i < rounds; i++) times.push((await search(world, queries[i % queries.length] ?? '')).ms)
    return times
  }
  await run()
  const idle = await run()
  const batches = batchesOf(jsonLines(100_000, startMs, 99))
  let searching = true
  const load = (async (): Promise<void> => {
    const headers = { authorization: `Bearer ${world.ingestKey}` }
    for (let i = 0; searching; i++) await post(`${world.url}/api/v1/logs`, batches[i % batches.length] ?? new Uint8Array(), headers)
  })()
  const busy = await run()
  searching = false
  await load
  return [
    { name: 'search over hot blocks, idle, p50', value: quantile(idle, 0.5), unit: 'ms' },
    { name: 'search over hot blocks, idle, p99', value: quantile(idle, 0.99), unit: 'ms' },
    { name: 'search under ingest load, p99', value: quantile(busy, 0.99), unit: 'ms' },
    {
      name: 'search p99 under load against idle',
      value: quantile(busy, 0.99) / quantile(idle, 0.99),
      unit: 'times',
      target: 3,
      higherIsBetter: false,
    },
  ]
}

/** NDJSON export of 100,000 lines that lie in a time of their own, read whole. */
export async function measureExport(world: BenchWorld, startMs: number): Promise<Figure[]> {
  const rows = 100_000
  const batches = batchesOf(jsonLines(rows, startMs, 100))
  await drive(`${world.url}/api/v1/logs`, batches, { authorization: `Bearer ${world.ingestKey}` })
  const range = `from=${startMs}&to=${startMs + 2 * rows}`
  const rates: number[] = []
  for (let round = 0; round < 3; round++) {
    const start = performance.now()
    const response = await fetch(`${world.url}/api/v1/logs/export?format=ndjson&${range}`, {
      headers: { authorization: `Bearer ${world.queryKey}` },
    })
    const lines = (await response.text()).split('\n').length - 1
    if (lines !== rows) throw new Error(`the export has ${lines} lines, not ${rows}`)
    rates.push(rows / ((performance.now() - start) / 1000))
  }
  return [{ name: 'export as NDJSON, 230-byte lines with 9 attributes', value: median(rates), unit: 'rows/s' }]
}
