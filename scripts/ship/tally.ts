import { bar, progressLine, thousands } from '../dev/terminal.ts'
import type { Batch } from './batch.ts'
import type { Input } from './input.ts'
import type { SendResult } from './send.ts'

/** Reasons of rejection that are printed; the count has all of them. */
const reasonsShownMax = 10

interface Counts {
  lines: number
  records: number
  accepted: number
  rejected: number
  batches: number
  retries: number
}

/** Counts of one run, drawn as a progress line while it goes on. */
export function createTally() {
  const began = performance.now()
  const line = progressLine()
  const inputs: Input[] = []
  const reasons: string[] = []
  const failures: string[] = []
  let waiting = ''
  const seconds = (): number => Math.max(0.001, (performance.now() - began) / 1000)
  const counts: Counts = { lines: 0, records: 0, accepted: 0, rejected: 0, batches: 0, retries: 0 }

  return {
    counts,
    open(input: Input): void {
      inputs.push(input)
    },
    answered(result: SendResult, batch: Batch, file: string): void {
      waiting = ''
      counts.batches += 1
      counts.accepted += result.accepted
      counts.rejected += result.rejected
      for (const { index, reason } of result.errors) {
        if (reasons.length < reasonsShownMax) reasons.push(`${file}, line ${batch.lines[index] ?? '?'}: ${reason}`)
      }
    },
    /** An input that could not be read, or not to its end. */
    failed(message: string): void {
      failures.push(message)
    },
    retrying(reason: string, waitMs: number): void {
      counts.retries += 1
      waiting = `  (again in ${(waitMs / 1000).toFixed(1)} s: ${reason})`
    },
    draw(): void {
      line.update(() => progressText(counts, inputs, seconds()) + waiting)
    },
    /** The closing report, and whether everything was accepted. */
    finish(): { report: string; complete: boolean } {
      line.end()
      const complete = counts.accepted === counts.records && failures.length === 0
      // Where no input could be opened there is nothing to sum up.
      const sums = inputs.length === 0 && failures.length > 0 ? [] : summary(counts, seconds())
      return { report: [...sums, ...reasons, ...failures].join('\n'), complete }
    },
  }
}

export type Tally = ReturnType<typeof createTally>

function progressText({ lines, accepted, rejected }: Counts, inputs: readonly Input[], seconds: number): string {
  const read = inputs.reduce((sum, input) => sum + input.readBytes(), 0)
  // An input of unknown length (a pipe, a followed file) leaves no share to draw.
  const total = inputs.reduce((sum, input) => sum + (input.totalBytes ?? NaN), 0)
  const share = Number.isNaN(total) ? '' : bar(read, total)
  const rate = thousands(Math.round(accepted / seconds))
  const refused = rejected > 0 ? `  ${thousands(rejected)} rejected` : ''
  return `${share}${thousands(lines)} lines  ${(read / 1e6).toFixed(1)} MB  ${thousands(accepted)} accepted  ${rate}/s${refused}`
}

function summary({ lines, records, accepted, rejected, batches, retries }: Counts, seconds: number): string[] {
  const missing = records - accepted - rejected
  const unsent = missing > 0 ? `, ${thousands(missing)} not sent` : ''
  return [
    `${thousands(lines)} lines read, ${thousands(records)} records: ${thousands(accepted)} accepted, ${thousands(rejected)} rejected${unsent}.`,
    `${batches} batches, ${retries} retries, ${seconds.toFixed(1)} s, ${thousands(Math.round(accepted / seconds))} records/s.`,
  ]
}
