import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem, type } from 'node:os'
import { measureAlerts } from '../test/bench/alerts.ts'
import { measureAnalytics } from '../test/bench/analytics.ts'
import { measureEncode, measureScan } from '../test/bench/engine.ts'
import { measureEnumeration } from '../test/bench/enumeration.ts'
import type { Figure } from '../test/bench/figures.ts'
import { measureExport, measureIngest } from '../test/bench/http.ts'
import { measureSegments, measureSize } from '../test/bench/segments.ts'
import { measureTail } from '../test/bench/tail.ts'
import { measureVolume } from '../test/bench/volume_run.ts'
import { startBenchWorld } from '../test/bench/world.ts'
import { main, parseFlags, seconds, usageError } from './dev/terminal.ts'

const usage = `Measures the engine, the Worker, a thousand alert rules, whether time tells which e-mails are known, and one organization with many
logs, in one run.

  npm run bench -- [options]

  --rows N            logs of the large organization (default 1000000; the targets are for 10000000)
  --only PART         engine, worker, alerts, enumeration or volume

Figures of two runs do not compare, the ratios within one do. The table is also written to dist/bench.json.
Exit code: 1 when a target was missed.`

const flags = {
  rows: { type: 'string', default: '1000000' },
  only: { type: 'string' },
} as const

const parts = ['engine', 'worker', 'alerts', 'enumeration', 'volume'] as const
type Part = (typeof parts)[number]

interface Section {
  title: string
  seconds: number
  figures: Figure[]
}

const require = createRequire(import.meta.url)
const version = (name: string): string => (require(`${name}/package.json`) as { version: string }).version
const header = {
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: type(),
  node: process.version,
  workerd: version('workerd'),
  wrangler: version('wrangler'),
}

await main(async () => {
  const options = parseOptions()
  if (options === undefined) return 0
  console.log(
    Object.entries(header)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
  )
  const sections: Section[] = []
  const runs: Record<Part, () => Promise<unknown>> = {
    engine: () => benchEngine(reporter(sections)),
    worker: () => benchWorker(reporter(sections)),
    alerts: () => benchAlerts(reporter(sections)),
    enumeration: () => benchEnumeration(reporter(sections)),
    volume: () => measureVolume(options.rows, Date.now(), { part: reporter(sections), line: (text) => console.log(text) }),
  }
  const samples: Partial<Record<Part, unknown>> = {}
  for (const part of options.parts) samples[part] = await runs[part]()
  mkdirSync('dist', { recursive: true })
  const content = { header, rows: options.rows, sections, memory: samples.volume }
  writeFileSync('dist/bench.json', `${JSON.stringify(content, null, 2)}\n`)
  console.log('\nWritten to dist/bench.json')
  return sumUp(sections)
})

type Report = (title: string, figures: readonly Figure[]) => void

/** Prints a part when it is done, with the time since the one before. */
function reporter(sections: Section[]): Report {
  let began = performance.now()
  return (title, figures) => {
    const took = performance.now() - began
    began = performance.now()
    console.log(`\n${title} (${seconds(took)})`)
    for (const figure of figures) console.log(line(figure))
    sections.push({ title, seconds: took / 1000, figures: [...figures] })
  }
}

async function benchEngine(report: Report): Promise<void> {
  const nowMs = Date.now()
  report('Encoding, one core', await measureEncode(nowMs))
  report('Size of real logs', measureSize(nowMs))
  report('Scanning fresh blocks, one core', await measureScan(nowMs))
  report('Statistics and patterns over blocks of 65,536 rows, one core', await measureAnalytics(nowMs))
  report('Sealing and scanning segments, one core', await measureSegments(nowMs))
}

async function benchWorker(report: Report): Promise<void> {
  const nowMs = Date.now()
  const world = await startBenchWorld()
  try {
    report('Ingest over HTTP into workerd, beside a row-per-log D1', await measureIngest(world, nowMs))
    // Years before the other figures' logs, so that the range holds only its own.
    report('Export', await measureExport(world, nowMs - 1000 * 86_400_000))
    report('Live tail', await measureTail(world))
  } finally {
    await world.stop()
  }
}

async function benchAlerts(report: Report): Promise<void> {
  const world = await startBenchWorld()
  try {
    report('Alert rules that nothing happens to', await measureAlerts(world))
  } finally {
    await world.stop()
  }
}

async function benchEnumeration(report: Report): Promise<void> {
  const world = await startBenchWorld()
  try {
    report('Known and unknown e-mails over HTTP, in turns', await measureEnumeration(world))
  } finally {
    await world.stop()
  }
}

function line(figure: Figure): string {
  const { name, value, unit, target, higherIsBetter } = figure
  const text = Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
  const aim = target === undefined ? '' : `${higherIsBetter ? '>=' : '<='} ${target.toLocaleString('en-US')}`
  const met = isMissed(figure) ? 'MISSED' : target === undefined ? '' : 'met'
  return `${name.padEnd(70)} ${text.padStart(12)} ${unit.padEnd(8)} ${aim.padStart(12)} ${met}`.trimEnd()
}

function isMissed({ value, target, higherIsBetter }: Figure): boolean {
  if (target === undefined) return false
  return higherIsBetter ? !(value >= target) : !(value <= target)
}

function sumUp(sections: readonly Section[]): number {
  const figures = sections.flatMap((section) => section.figures)
  const missed = figures.filter(isMissed)
  const targets = figures.filter(({ target }) => target !== undefined).length
  console.log(`${targets - missed.length} of ${targets} targets met.`)
  for (const figure of missed) console.log(`missed: ${line(figure)}`)
  return missed.length === 0 ? 0 : 1
}

/** Undefined when help was asked for. */
function parseOptions(): { rows: number; parts: readonly Part[] } | undefined {
  const values = parseFlags(usage, { options: flags })?.values
  if (values === undefined) return undefined
  const rows = Number(values.rows.replaceAll(/[_,]/g, ''))
  if (!Number.isInteger(rows) || rows < 100_000) throw usageError(usage, '--rows must be a whole number, at least 100000.')
  const only = parts.find((part) => part === values.only)
  if (values.only !== undefined && only === undefined) throw usageError(usage, `--only must be one of ${parts.join(', ')}.`)
  return { rows, parts: only === undefined ? parts : [only] }
}
