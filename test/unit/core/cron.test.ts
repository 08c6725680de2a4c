import { describe, expect, it } from 'vitest'
import { cronSchema, nextCronMs } from '../../../src/core/cron.ts'

/** The times after a moment, as ISO texts without what all end with. */
function times(cron: string, timeZone: string, after: string, count: number): string[] {
  const found: string[] = []
  let at: number | null = Date.parse(after)
  while (found.length < count) {
    at = nextCronMs({ cron, timeZone }, at)
    if (at === null) break
    found.push(new Date(at).toISOString().replace(':00.000Z', 'Z'))
  }
  return found
}

describe('a cron expression', () => {
  it.each([
    ['* * * * *', '* * * * *'],
    [' 30  22 * *\t1-5 ', '30 22 * * 1-5'],
    ['*/15 8-18 1,15 JAN-JUN MON', '*/15 8-18 1,15 JAN-JUN MON'],
    ['0 0 29 2 *', '0 0 29 2 *'],
    ['0 3 L * *', '0 3 L * *'],
    ['0 3 * * SUN#1', '0 3 * * SUN#1'],
  ])('%j is read as %j', (text, read) => {
    expect(cronSchema.parse(text)).toBe(read)
  })

  it.each([
    ['', /five fields/],
    ['* * * *', /five fields/],
    ['* * * * * *', /five fields/],
    ['@daily', /five fields/],
    ['? * * * *', /five fields/],
    ['60 * * * *', /minute: 60/],
    ['* 24 * * *', /hour: 24/],
    ['*/0 * * * *', /stepping/],
    ['a b c d e', /illegal/],
    ['0 0 30 2 *', /a time that comes/],
    ['0 0 31 4,6,9,11 *', /a time that comes/],
    [`${'1,'.repeat(60)}1 * * * *`, /at most 100/],
  ])('%j is refused', (text, message) => {
    const { error } = cronSchema.safeParse(text)
    expect(error?.issues[0]?.message).toMatch(message)
  })
})

describe('the next time of a cron expression', () => {
  it('is always later than the moment, also within a second', () => {
    const at = Date.parse('2026-01-01T12:00:00Z')
    const next = (afterMs: number) => nextCronMs({ cron: '0 12 * * *', timeZone: 'UTC' }, afterMs)
    expect(next(at - 1)).toBe(at)
    expect(next(at)).toBe(at + 24 * 60 * 60 * 1000)
    expect(next(at + 999)).toBe(at + 24 * 60 * 60 * 1000)
  })

  it('is none when the rest of time has none', () => {
    expect(nextCronMs({ cron: '0 0 30 2 *', timeZone: 'UTC' }, 0)).toBeNull()
  })

  // Berlin: 02:00 becomes 03:00 on 2026-03-29 at 01:00Z, and 03:00 becomes 02:00 on 2026-10-25 at 01:00Z.
  // New York: 2026-03-08 at 07:00Z and 2026-11-01 at 06:00Z. Lord Howe, by half an hour: 2026-10-03 at 15:30Z and 2026-04-04 at 15:00Z.
  it.each([
    ['Europe/Berlin', 'spring', '2026-03-28T00:00:00Z', ['2026-03-28T01:30Z', '2026-03-29T01:00Z', '2026-03-30T00:30Z']],
    ['Europe/Berlin', 'autumn', '2026-10-24T00:00:00Z', ['2026-10-24T00:30Z', '2026-10-25T00:30Z', '2026-10-26T01:30Z']],
    ['America/New_York', 'spring', '2026-03-07T00:00:00Z', ['2026-03-07T07:30Z', '2026-03-08T07:00Z', '2026-03-09T06:30Z']],
    ['America/New_York', 'autumn', '2026-10-31T00:00:00Z', ['2026-10-31T06:30Z', '2026-11-01T07:30Z', '2026-11-02T07:30Z']],
    ['Australia/Lord_Howe', 'spring', '2026-10-02T12:00:00Z', ['2026-10-02T16:00Z', '2026-10-03T15:30Z', '2026-10-04T15:30Z']],
    ['Australia/Lord_Howe', 'autumn', '2026-04-03T12:00:00Z', ['2026-04-03T15:30Z', '2026-04-04T16:00Z', '2026-04-05T16:00Z']],
  ])('in %s at 02:30 comes once a day, when daylight saving changes in %s', (zone, _, after, expected) => {
    expect(times('30 2 * * *', zone, after, 3)).toEqual(expected)
  })

  it.each([
    ['America/New_York', '30 1 * * *', '2026-10-31T12:00:00Z', ['2026-11-01T05:30Z', '2026-11-02T06:30Z']],
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T00:00:00Z', ['2026-04-04T14:45Z', '2026-04-05T15:15Z']],
  ])('in %s at a time that comes twice, counts the first one', (zone, cron, after, expected) => {
    expect(times(cron, zone, after, 2)).toEqual(expected)
  })

  it.each([
    ['Europe/Berlin', '2026-03-29T00:00:00Z'],
    ['Europe/Berlin', '2026-10-24T23:00:00Z'],
    ['America/New_York', '2026-03-08T06:00:00Z'],
    ['America/New_York', '2026-11-01T05:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T14:30:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T14:00:00Z'],
  ])('of every half hour passes over nothing in %s after %s', (zone, after) => {
    const halfHours = Array.from({ length: 6 }, (_, i) =>
      new Date(Date.parse(after) + (i + 1) * 30 * 60_000).toISOString().replace(':00.000Z', 'Z'),
    )
    expect(times('*/30 * * * *', zone, after, 6)).toEqual(halfHours)
  })
})
