import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem, type } from 'node:os'
import { measureEncode, measureScan, measureSize } from '../test/bench/engine.ts'
import type { Figure } from '../test/bench/figures.ts'
import { measureExport, measureIngest, measureSearch } from '../test/bench/http.ts'
import { measureTail } from '../test/bench/tail.ts'
import { startBenchWorld } from '../test/bench/world.ts'

/**
 * `npm run bench`: every figure of one run, with the machine and the versions in the header, as a table and as
 * dist/bench.json. Figures of two runs do not compare; the ratios within one do.
 */
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

function line({ name, value, unit, target, higherIsBetter }: Figure): string {
  const text = value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
  const met = target === undefined ? '' : (higherIsBetter ? value >= target : value <= target) ? 'met' : 'MISSED'
  const aim = target === undefined ? '' : `${higherIsBetter ? '>=' : '<='} ${target.toLocaleString('en-US')}`
  return `${name.padEnd(66)} ${text.padStart(12)} ${unit.padEnd(8)} ${aim.padStart(12)} ${met}`
}

async function main(): Promise<void> {
  console.log(
    Object.entries(header)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
  )
  const figures: Figure[] = []
  const nowMs = Date.now()
  const report = (part: readonly Figure[]): void => {
    for (const figure of part) console.log(line(figure))
    figures.push(...part)
  }
  console.log('\nThe engine alone, one core')
  report(await measureEncode(nowMs))
  report(measureSize(nowMs))
  report(await measureScan(nowMs))
  console.log('\nThe built Worker in workerd, over HTTP')
  const world = await startBenchWorld()
  try {
    report(await measureIngest(world, nowMs))
    report(await measureSearch(world, nowMs))
    // Years before the other figures' logs, so that the range holds only its own.
    report(await measureExport(world, nowMs - 1000 * 86_400_000))
    report(await measureTail(world))
  } finally {
    await world.stop()
  }
  mkdirSync('dist', { recursive: true })
  writeFileSync('dist/bench.json', `${JSON.stringify({ header, figures }, null, 2)}\n`)
  console.log('\nWritten to dist/bench.json')
}

await main()
