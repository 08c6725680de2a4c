import { describe, expect, it } from 'vitest'
import { digestWeek, isDigestTime } from '../../../src/jobs/digest_week.ts'

const at = (text: string) => Date.parse(text)

describe('the week of a digest', () => {
  it.each([
    ['2026-11-15T10:00:00Z', 'where Monday begins first'],
    ['2026-11-16T00:00:00Z', 'in Greenwich'],
    ['2026-11-17T11:59:59Z', 'where Monday ends last'],
  ])('is that of the Saturday before while it is Monday %s, %s', (now) => {
    expect(digestWeek(at(now))).toEqual({
      fromDay: '2026-11-08',
      toDay: '2026-11-15',
      fromMs: at('2026-11-08T00:00:00Z'),
      toMs: at('2026-11-15T00:00:00Z'),
    })
  })

  it.each(['2026-11-15T09:59:59Z', '2026-11-17T12:00:00Z', '2026-11-20T08:00:00Z'])('is none at %s, when it is Monday nowhere', (now) => {
    expect(digestWeek(at(now))).toBeUndefined()
  })

  it('is over everywhere before anybody is told of it', () => {
    const zones = ['Pacific/Kiritimati', 'Asia/Kathmandu', 'UTC', 'America/St_Johns', 'Etc/GMT+12']
    let halfHours = 0
    for (let now = at('2026-11-14T00:00:00Z'); now < at('2026-11-19T00:00:00Z'); now += 1_800_000) {
      if (!zones.some((zone) => isDigestTime(zone, now))) continue
      halfHours += 1
      expect(digestWeek(now)?.toMs).toBeLessThanOrEqual(now)
    }
    expect(halfHours).toBeGreaterThan(2 * 30)
  })
})

describe('the time of a digest', () => {
  it.each([
    ['Europe/Berlin', '2026-11-16T06:59:59Z', false],
    ['Europe/Berlin', '2026-11-16T07:00:00Z', true],
    ['Europe/Berlin', '2026-07-13T06:00:00Z', true],
    ['Europe/Berlin', '2026-11-16T22:59:59Z', true],
    ['Europe/Berlin', '2026-11-16T23:00:00Z', false],
    ['Asia/Tokyo', '2026-11-15T23:00:00Z', true],
    ['Asia/Kolkata', '2026-11-16T02:30:00Z', true],
    ['America/Los_Angeles', '2026-11-16T15:59:00Z', false],
    ['America/Los_Angeles', '2026-11-16T16:00:00Z', true],
    [null, '2026-11-16T08:00:00Z', true],
    [null, '2026-11-16T07:59:00Z', false],
    ['Mars/Olympus', '2026-11-16T08:00:00Z', true],
    [null, '2026-11-17T08:00:00Z', false],
  ])('is Monday from eight to midnight in %s: %s is %s', (zone, now, isTime) => {
    expect(isDigestTime(zone, at(now))).toBe(isTime)
  })
})
