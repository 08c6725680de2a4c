import type { Figure } from './figures.ts'
import type { Sample } from './processes.ts'

/** Lines of the table; the samples between them are summed up by their greatest. */
const tableLines = 30

/** The greatest of each measure over all phases. */
export function memoryFigures(samples: readonly Sample[]): Figure[] {
  return [
    { name: 'resident memory of workerd, with its D1, R2 and SQLite, at most', value: greatest(samples, ({ rssMb }) => rssMb), unit: 'MB' },
    { name: 'heap of the isolate, garbage included, at most', value: greatest(samples, ({ heapMb }) => heapMb), unit: 'MB' },
    { name: 'buffers of the isolate, garbage included, at most', value: greatest(samples, ({ buffersMb }) => buffersMb), unit: 'MB' },
  ].filter(({ value }) => Number.isFinite(value))
}

/** Memory over time: a line for each of about `tableLines` spans, with a bar of resident memory. */
export function memoryTable(samples: readonly Sample[]): string[] {
  const span = Math.max(1, Math.ceil(samples.length / tableLines))
  const most = greatest(samples, ({ rssMb }) => rssMb)
  const lines = ['  seconds   resident       heap    buffers  phase']
  for (let first = 0; first < samples.length; first += span) {
    const part = samples.slice(first, first + span)
    const cell = (value: (sample: Sample) => number | null) => {
      const most = greatest(part, value)
      return (Number.isFinite(most) ? `${Math.round(most)} MB` : '').padStart(9)
    }
    const bar = '#'.repeat(Math.round((greatest(part, ({ rssMb }) => rssMb) / most) * 30))
    const columns = [cell(({ rssMb }) => rssMb), cell(({ heapMb }) => heapMb), cell(({ buffersMb }) => buffersMb)]
    lines.push(`  ${`${part[0]?.seconds}`.padStart(7)}  ${columns.join('  ')}  ${(part[0]?.phase ?? '').padEnd(20)} ${bar}`)
  }
  return lines
}

/** -Infinity when no sample has the value. */
function greatest(samples: readonly Sample[], value: (sample: Sample) => number | null): number {
  return Math.max(...samples.map((sample) => value(sample) ?? -Infinity))
}
