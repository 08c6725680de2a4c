import { describe, expect, it } from 'vitest'
import { taskStuckMs, waitSecondsMax, waitStepsMax } from '../../../src/core/limits.ts'
import { countsOf, taskRules } from '../../../src/core/tasks.ts'
import { addStep } from '../../../src/jobs/task_add.ts'
import type { StepOutcome } from '../../../src/jobs/task_step.ts'
import { waitStep } from '../../../src/jobs/task_wait.ts'

describe('a task that adds', () => {
  it('gives the sum, and fails where there is none', async () => {
    expect(await addStep(null, { params: { a: 2, b: 0.5 } })).toEqual({ status: 'done', result: { sum: 2.5 } })
    expect(await addStep(null, { params: { a: 1e308, b: 1e308 } })).toMatchObject({ status: 'failed' })
  })
})

describe('a task that waits', () => {
  /** Runs it on a clock that stands where the step before asked for, and `lateMs` more. */
  async function run(seconds: number, lateMs = 0): Promise<{ outcomes: StepOutcome[]; endMs: number }> {
    let nowMs = 1000
    let state: Record<string, unknown> = {}
    const outcomes: StepOutcome[] = []
    for (;;) {
      const outcome = await waitStep({ now: () => nowMs }, { params: { seconds }, state })
      outcomes.push(outcome)
      if (outcome.status !== 'again') return { outcomes, endMs: nowMs }
      ;({ state } = outcome)
      nowMs += outcome.afterSeconds * 1000 + lateMs
    }
  }

  it.each([1, 7, 60, waitSecondsMax])('of %i seconds is over after them, and tells its progress on the way', async (seconds) => {
    const { outcomes, endMs } = await run(seconds)
    expect(endMs).toBeCloseTo(1000 + seconds * 1000, 3)
    expect(outcomes.length).toBeLessThanOrEqual(waitStepsMax + 2)
    const progress = outcomes.flatMap((each) => (each.status === 'again' ? [each.progress] : []))
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(outcomes.at(-1)).toMatchObject({ status: 'done', result: { waited_seconds: seconds } })
  })

  it('is never found stuck between two steps', async () => {
    const waits = (await run(waitSecondsMax)).outcomes.flatMap((each) => (each.status === 'again' ? [each.afterSeconds * 1000] : []))
    expect(Math.max(...waits)).toBeLessThan(taskStuckMs)
  })

  it('ends by the clock when messages are late, and not too early when it is set back', async () => {
    expect((await run(60, 10_000)).outcomes.at(-1)).toMatchObject({ result: { waited_seconds: 65 } })
    const back = await waitStep({ now: () => 500 }, { params: { seconds: 10 }, state: { startedMs: 9000 } })
    expect(back).toMatchObject({ status: 'again', progress: 0, state: { startedMs: 500 } })
  })
})

describe('the table of kinds', () => {
  it('lets nothing be taken by a link that anybody may read, and gives every file an end', () => {
    const rules = Object.values(taskRules)
    expect(rules.filter(({ needs, files }) => files?.kind === 'file' && needs === null)).toEqual([])
    expect(rules.filter(({ files }) => files !== null && !(files.keptMs > 0))).toEqual([])
    expect(Object.entries(taskRules).flatMap(([kind, { revocable }]) => (revocable ? [] : [kind]))).toEqual(['erase'])
  })
  it('lets the audit log know numbers of a result, and nothing that was worked on', () => {
    const most = [{ word: 'secret', count: 2 }]
    expect(countsOf('process', { records: 2, text: { words: 2, most_frequent: most }, fields: { secret: {} } })).toEqual({ records: 2 })
    expect(countsOf('export', { rows: 5, bytes: 'secret', files: 1, file_name: 'x' })).toEqual({ rows: 5, files: 1 })
    expect(countsOf('add', { sum: 5 })).toEqual({})
  })
})
