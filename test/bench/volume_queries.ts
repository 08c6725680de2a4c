import { type Figure, median } from './figures.ts'
import { rareWord } from './volume.ts'
import type { Volume } from './volume.ts'
import type { BenchWorld } from './world.ts'

const rounds = 5
/** Processor time is counted in hundredths of a second: many short queries together. */
const cpuRounds = 20

interface Stats {
  segments_considered: number
  segments_read: number
  blocks_considered: number
  blocks_read: number
  bytes_considered: number
  bytes_decompressed: number
  object_reads: number
  object_bytes: number
  rows_matched: number
}

interface Answer {
  partial: boolean
  count?: number
  results?: unknown[]
  stats: Stats
  ms: number
}

/** A query over HTTP, whole: what is partial is no answer to compare. */
async function ask(world: BenchWorld, path: string, parameters: Record<string, string>): Promise<Answer> {
  const began = performance.now()
  const response = await fetch(`${world.url}/api/v1/logs/${path}?${new URLSearchParams(parameters).toString()}`, {
    headers: { authorization: `Bearer ${world.queryKey}` },
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
  const answer = { ...(JSON.parse(text) as Omit<Answer, 'ms'>), ms: performance.now() - began }
  if (answer.partial) throw new Error(`${path} ${JSON.stringify(parameters)} is partial: ${JSON.stringify(answer.stats)}`)
  return answer
}

/** The first answer, and the median time of them all; `cold` is the first one's own. */
async function repeat(count: number, query: () => Promise<Answer>): Promise<{ answer: Answer; ms: number; coldMs: number }> {
  const answer = await query()
  const times = [answer.ms]
  for (let i = 1; i < count; i++) times.push((await query()).ms)
  return { answer, ms: median(times), coldMs: answer.ms }
}

/**
 * A rare word, a full scan and a histogram over the whole volume, most of it sealed. Its targets are for ten million rows. `cpuMs`
 * is the processor time that workerd has used: it tells what a scan takes whatever else the machine does.
 */
export async function measureVolumeQueries(world: BenchWorld, volume: Volume, cpuMs: () => number): Promise<Figure[]> {
  const range = { from: `${volume.startMs}`, to: `${volume.endMs}` }
  const rare = await repeat(rounds, () => ask(world, 'search', { ...range, q: rareWord }))
  const cpuBeforeWords = cpuMs()
  for (let i = 0; i < cpuRounds; i++) await ask(world, 'search', { ...range, q: rareWord })
  const rareCpuMs = (cpuMs() - cpuBeforeWords) / cpuRounds
  if (rare.answer.results?.length !== 1) throw new Error(`the rare word was found ${rare.answer.results?.length} times`)
  // All three words stand in every block, so no filter helps: each message is decompressed and read.
  const cpuBefore = cpuMs()
  const scan = await repeat(2, () => ask(world, 'histogram', { ...range, q: 'message:"finished in 17"', interval: '7d' }))
  const scanCpuMs = (cpuMs() - cpuBefore) / 2
  const flood = await ask(world, 'histogram', { ...range, q: 'message:finished', interval: '7d' })
  const chart = await repeat(rounds, () => ask(world, 'histogram', { ...range, interval: '7d' }))
  if (chart.answer.count !== volume.rows) throw new Error(`the histogram counts ${chart.answer.count} rows of ${volume.rows}`)
  const newest = await repeat(rounds, () => ask(world, 'search', { ...range, limit: '100' }))
  const stats = rare.answer.stats
  const share = (part: number, whole: number) => (whole === 0 ? 0 : (part / whole) * 100)
  const rows = `${volume.rows.toLocaleString('en-US')} rows`
  return [
    {
      name: `rare word in ${rows}: blocks never decompressed`,
      value: 100 - share(stats.blocks_read, stats.blocks_considered),
      unit: '%',
      target: 95,
      higherIsBetter: true,
    },
    {
      name: 'rare word: bytes read from R2, of what a full scan reads',
      value: share(stats.object_bytes, scan.answer.stats.object_bytes),
      unit: '%',
      target: 2,
      higherIsBetter: false,
    },
    { name: 'rare word, first time', value: rare.coldMs, unit: 'ms' },
    { name: 'rare word', value: rare.ms, unit: 'ms' },
    { name: 'full text scan, few match', value: scan.ms, unit: 'ms' },
    { name: 'full text scan against rare word', value: scan.ms / rare.ms, unit: 'times', target: 50, higherIsBetter: true },
    { name: 'full text scan against rare word, processor time', value: scanCpuMs / rareCpuMs, unit: 'times' },
    { name: 'full text scan over HTTP', value: (volume.rows / scan.ms) * 1000, unit: 'rows/s' },
    {
      name: 'full text scan over HTTP, of a second of processor time',
      value: (volume.rows / scanCpuMs) * 1000,
      unit: 'rows',
      target: 3e6,
      higherIsBetter: true,
    },
    { name: 'full text scan, every message matches', value: (volume.rows / flood.ms) * 1000, unit: 'rows/s' },
    {
      name: `histogram of ${rows}, no text filter: bytes decompressed`,
      value: chart.answer.stats.bytes_decompressed,
      unit: 'bytes',
      target: 0,
      higherIsBetter: false,
    },
    { name: 'histogram, no text filter', value: chart.ms, unit: 'ms' },
    { name: 'newest 100 rows', value: newest.ms, unit: 'ms' },
    { name: 'segments', value: stats.segments_considered, unit: '' },
    { name: 'segment blocks and hot blocks', value: stats.blocks_considered, unit: '' },
    { name: 'object reads of a full scan', value: scan.answer.stats.object_reads, unit: '' },
    { name: 'object reads of a rare word, first time', value: stats.object_reads, unit: '' },
  ]
}

/** Queries by kind, for what one of each costs. */
export const pricedQueries: Record<string, { path: string; parameters: Record<string, string> }> = {
  'newest 100 rows': { path: 'search', parameters: { limit: '100' } },
  'rare word': { path: 'search', parameters: { q: rareWord } },
  histogram: { path: 'histogram', parameters: { interval: '7d' } },
  'full text scan': { path: 'histogram', parameters: { q: 'message:"finished in 17"', interval: '7d' } },
  'top sources': { path: 'facets', parameters: { fields: 'source' } },
}

/** Runs one of the priced queries so often. */
export async function runPriced(world: BenchWorld, volume: Volume, name: string, count: number): Promise<void> {
  const query = pricedQueries[name]
  if (query === undefined) throw new Error(`no query ${name}`)
  const range = { from: `${volume.startMs}`, to: `${volume.endMs}` }
  for (let i = 0; i < count; i++) await ask(world, query.path, { ...range, ...query.parameters })
}
