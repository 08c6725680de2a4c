import { describe, expect, it } from 'vitest'
import { alertHistoryLinesMax } from '../../../src/core/limits.ts'
import { cappedLines, linesWithin } from '../../../src/jobs/alerts/budget.ts'
import type { Change } from '../../../src/search/alerts/machine.ts'

const lines = (count: number): Change[] =>
  Array.from({ length: count }, (_, i) => {
    return { group: { host: String(i) }, from: 'inactive', to: 'firing', value: i, detail: null, silenced: false }
  })

describe('lines of history', () => {
  it('of one evaluation are so many, and one that counts the others', () => {
    expect(cappedLines(lines(alertHistoryLinesMax))).toEqual(lines(alertHistoryLinesMax))
    const capped = cappedLines(lines(alertHistoryLinesMax + 7))
    expect(capped.slice(0, -1)).toEqual(lines(alertHistoryLinesMax))
    expect(capped.at(-1)).toMatchObject({ group: {}, detail: '7 more groups changed their state.' })
  })

  it('without room are none, and the last one that has some says so', () => {
    expect(linesWithin(lines(3), 3, 'x')).toEqual(lines(3))
    expect(linesWithin(lines(3), 0, 'x')).toEqual([])
    expect(linesWithin(lines(3), -5, 'x')).toEqual([])
    expect(linesWithin(lines(3), 2, 'the end')).toMatchObject([
      { group: { host: '0' } },
      { group: {}, detail: expect.stringContaining('before the end') as string },
    ])
  })
})
