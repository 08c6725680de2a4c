import { describe, expect, it } from 'vitest'
import { minuteScheduleRunMsMax, scheduleRunMsMax } from '../../../src/core/limits.ts'
import { intervalMsOf, isScheduleLate, runMsMaxOf } from '../../../src/core/schedules.ts'

const hourMs = 3_600_000

describe('the interval of a cron expression', () => {
  it.each([
    ['* * * * *', 60_000],
    ['*/10 * * * *', 600_000],
    ['7 * * * *', hourMs],
    ['23 */6 * * *', 6 * hourMs],
  ])('%s comes again after %i ms', (cron, ms) => {
    expect(intervalMsOf(cron)).toBe(ms)
  })

  it('decides how long a run may take: one of each minute has to make way for the next', () => {
    expect([runMsMaxOf('* * * * *'), runMsMaxOf('*/10 * * * *'), runMsMaxOf('53 */6 * * *')]).toEqual([
      minuteScheduleRunMsMax,
      scheduleRunMsMax,
      scheduleRunMsMax,
    ])
  })
})

describe('a schedule is late', () => {
  const late = (succeededAt: number | null, knownAt: number | null, nowMs: number) =>
    isScheduleLate('7 * * * *', { succeededAt, knownAt }, nowMs)

  it('when it has not succeeded for more than three intervals', () => {
    expect([late(0, 0, 3 * hourMs), late(0, 0, 3 * hourMs + 1)]).toEqual([false, true])
  })

  it('when it was made known that long ago and never succeeded', () => {
    expect([late(null, 0, 3 * hourMs), late(null, 0, 3 * hourMs + 1)]).toEqual([false, true])
  })

  it('never where nobody has heard of it, nor for a success that a clock ahead wrote', () => {
    expect([late(null, null, 1e13), late(9 * hourMs, 0, 0)]).toEqual([false, false])
  })
})
