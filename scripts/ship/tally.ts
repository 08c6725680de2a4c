import { bar, progressLine, thousands } from '../dev/terminal.ts'
import type { Batch } from './batch.ts'
import type { Input } from './input.ts'
import type { SendResult } from './send.ts'

/** Reasons of rejection that are printed; the count has all of them. */
const reasonsShownMax = 10

/** Counts of one run, drawn as a progress line while it goes on. */
export function createTally() {
  const began = performance.now()
  const line = progressLine()
  const inputs: Input[] = []
  const reasons: string[] = []
  let waiting = ''

  function seconds(): number {
    return (performance.now() - began) / 1000
  }
  function text(): string {
    const read = inputs.reduce((sum, input) => sum + input.readBytes(), 0)
    // An input of unknown length (a pipe, a followed file) leaves no share to draw.
    const total = inputs.reduce((sum, input) => sum + (input.totalBytes ?? NaN), 0)
    const rate = thousands(Math.round(tally.accepted / Math.max(seconds(), 0.001)))
    const counts = `${thousands(tally.lines)} lines  ${(read / 1e6).toFixed(1)} MB  ${thousands(tally.accepted)} accepted  ${rate}/s`
    const rejected = tally.rejected > 0 ? `  ${thousands(tally.rejected)} rejected` : ''
    return `${Number.isNaN(total) ? '' : bar(read, total)}${counts}${rejected}${waiting}`
  }

  const tally = {
    lines: 0,
    records: 0,
    accepted: 0,
    rejected: 0,
    batches: 0,
    retries: 0,
    open(input: Input): void {
      inputs.push(input)
    },
    answered(result: SendResult, batch: Batch, file: string): void {
      waiting = ''
      tally.batches += 1
      tally.accepted += result.accepted
      tally.rejected += result.rejected
      for (const { index, reason } of result.errors) {
        if (reasons.length < reasonsShownMax) reasons.push(`${file}, line ${batch.lines[index] ?? '?'}: ${reason}`)
      }
      tally.draw()
    },
    retrying(reason: string, waitMs: number): void {
      tally.retries += 1
      waiting = `  (again in ${(waitMs / 1000).toFixed(1)} s: ${reason})`
      tally.draw()
    },
    draw(): void {
      line.update(text)
    },
    /** The closing report, and whether everything was accepted. */
    finish(): { report: string; complete: boolean } {
      line.end()
      const { lines, records, accepted, rejected, batches, retries } = tally
      const missing = records - accepted - rejected
      const report = [
        `${thousands(lines)} lines read, ${thousands(records)} records: ${thousands(accepted)} accepted, ${thousands(rejected)} rejected` +
          `${missing > 0 ? `, ${thousands(missing)} not sent` : ''}.`,
        `${batches} batches, ${retries} retries, ${seconds().toFixed(1)} s, ${thousands(Math.round(accepted / seconds()))} records/s.`,
        ...reasons,
      ].join('\n')
      return { report, complete: rejected === 0 && missing === 0 }
    },
  }
  return tally
}

export type Tally = ReturnType<typeof createTally>
