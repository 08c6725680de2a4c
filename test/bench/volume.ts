import type { Figure } from './figures.ts'
import { randomFrom } from './lines.ts'
import type { BenchWorld } from './world.ts'

const parallelRequests = 4
/** Lines that are made before the run and used again and again, with their own times: many more than a block has. */
const poolRows = 200_000
/** Event time of one line after another. */
const stepMs = 2

export const rareWord = 'pangolin31337'

export interface Volume {
  rows: number
  batchRows: number
  startMs: number
  endMs: number
}

export interface Ingested extends Volume {
  seconds: number
  rawBytes: number
}

/** Sends `rows` lines in batches, a few at a time; one of them, in the middle, has a word that no other has. */
export async function ingestVolume(
  world: BenchWorld,
  rows: number,
  batchRows: number,
  startMs: number,
  progress: (text: string) => void,
): Promise<Ingested> {
  const pool = poolLines(poolRows)
  const batches = Math.ceil(rows / batchRows)
  const encoder = new TextEncoder()
  let next = 0
  let done = 0
  let rawBytes = 0
  const began = performance.now()
  const rate = (count: number) => Math.round(count / ((performance.now() - began) / 1000)).toLocaleString('en-US')
  let told = began
  const worker = async (): Promise<void> => {
    for (let batch = next++; batch < batches; batch = next++) {
      const first = batch * batchRows
      const lines = Array.from({ length: Math.min(batchRows, rows - first) }, (_, i) => lineAt(pool, first + i, startMs, rows))
      const body = encoder.encode(lines.join('\n'))
      await postBatch(world, body, lines.length)
      rawBytes += body.length + 1
      done += lines.length
      if (performance.now() - told < 10_000) continue
      told = performance.now()
      progress(`  ${done.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} rows, ${rate(done)} rows/s`)
    }
  }
  await Promise.all(Array.from({ length: parallelRequests }, worker))
  const seconds = (performance.now() - began) / 1000
  return { rows, batchRows, startMs, endMs: startMs + rows * stepMs, seconds, rawBytes }
}

/** A shard that has too much to do says when to come again. */
async function postBatch(world: BenchWorld, body: Uint8Array, rows: number): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${world.ingestKey}` }
  for (;;) {
    const response = await fetch(`${world.url}/api/v1/logs`, { method: 'POST', headers, body })
    const text = await response.text()
    if (response.ok) {
      const { accepted } = JSON.parse(text) as { accepted: number }
      if (accepted !== rows) throw new Error(`${accepted} of ${rows} rows were accepted`)
      return
    }
    const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN)
    if (response.status !== 503 || Number.isNaN(retryAfter)) throw new Error(`ingest answered ${response.status}: ${text}`)
    await new Promise((resolve) => setTimeout(resolve, retryAfter * 1000))
  }
}

function lineAt(pool: readonly string[], row: number, startMs: number, rows: number): string {
  const time = new Date(startMs + row * stepMs).toISOString()
  if (row === Math.floor(rows / 2)) return `{"timestamp":"${time}","level":"error","service":"api","message":"found ${rareWord}"}`
  return `{"timestamp":"${time}",${pool[row % pool.length]}`
}

/** Lines like those of `jsonLines`, without their beginning: an HTTP service's log with random ids, about 230 bytes. */
function poolLines(count: number): string[] {
  const random = randomFrom(77)
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? ''
  const paths = ['/api/v1/orders', '/api/v1/cart', '/api/v1/items', '/login', '/health']
  return Array.from({ length: count }, () => {
    const id = Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0')
    const duration = Math.floor(random() * 90_000) / 1000
    const path = pick(paths)
    const level = pick(['info', 'info', 'info', 'warn', 'debug', 'error'])
    const service = pick(['api', 'checkout', 'search', 'auth', 'worker'])
    const rest = { request_id: id, status: random() < 0.9 ? 200 : 502, duration_ms: duration, user_id: Math.floor(random() * 5000), path }
    const content = { level, service, message: `request ${id} to ${path} finished in ${duration} ms`, ...rest }
    return JSON.stringify(content).slice(1)
  })
}

/** How fast the volume went in, beside what it took. */
export function ingestFigures({ rows, batchRows, seconds, rawBytes }: Ingested, cpuMs: number): Figure[] {
  return [
    {
      name: `ingest of ${rows.toLocaleString('en-US')} rows, batches of ${batchRows}, sealing and merging`,
      value: rows / seconds,
      unit: 'rows/s',
    },
    { name: 'raw bytes a row', value: rawBytes / rows, unit: 'bytes' },
    { name: 'ingested in a second of processor time, sealing and storages included', value: (rows / cpuMs) * 1000, unit: 'rows' },
  ]
}
