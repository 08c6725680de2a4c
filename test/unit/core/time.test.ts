import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { timestampMsMax } from '../../../src/core/limits.ts'
import { formatTimestamp, parseTimestamp, timestampFromBigint, timestampFromNumber } from '../../../src/core/time.ts'

const format = (instant: { ms: number; ns: number } | undefined) => instant && formatTimestamp(instant.ms, instant.ns)

describe('parseTimestamp', () => {
  it.each([
    ['2026-11-22T07:04:17Z', '2026-11-22T07:04:17.000Z'],
    ['2026-11-22t07:04:17z', '2026-11-22T07:04:17.000Z'],
    ['2026-11-22T07:04:17.5Z', '2026-11-22T07:04:17.500Z'],
    ['2026-11-22T07:04:17.123456789Z', '2026-11-22T07:04:17.123456789Z'],
    ['2026-11-22T07:04:17.123456789987Z', '2026-11-22T07:04:17.123456789Z'],
    ['2026-11-22T07:04:17.0000001Z', '2026-11-22T07:04:17.000000100Z'],
    ['2026-11-22T07:04:17+00:00', '2026-11-22T07:04:17.000Z'],
    ['2026-11-22T07:04:17+05:30', '2026-11-22T01:34:17.000Z'],
    ['2026-11-22T07:04:17-0800', '2026-11-22T15:04:17.000Z'],
    ['2026-11-22T07:04:17+02', '2026-11-22T05:04:17.000Z'],
    ['2026-11-22 07:04:17,649', '2026-11-22T07:04:17.649Z'],
    ['2026-11-22 07:04:17.649 UTC', '2026-11-22T07:04:17.649Z'],
    ['2026-11-22 07:04:17.649 +0100 CET', '2026-11-22T06:04:17.649Z'],
    ['2026/11/22 07:04:17', '2026-11-22T07:04:17.000Z'],
    ['2026-11-22T07:04', '2026-11-22T07:04:00.000Z'],
    ['2026-11-22T07:04Z', '2026-11-22T07:04:00.000Z'],
    ['2026-11-22', '2026-11-22T00:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['22/Nov/2026:07:04:17 +0000', '2026-11-22T07:04:17.000Z'],
    ['22/Nov/2026:07:04:17 +0230', '2026-11-22T04:34:17.000Z'],
    ['1795331057', '2026-11-22T07:04:17.000Z'],
    ['1795331057.193', '2026-11-22T07:04:17.193Z'],
    ['1795331057.193456789', '2026-11-22T07:04:17.193456789Z'],
    ['1795331057193', '2026-11-22T07:04:17.193Z'],
    ['1795331057193.25', '2026-11-22T07:04:17.193250000Z'],
    ['1795331057193456', '2026-11-22T07:04:17.193456000Z'],
    ['1795331057193456789', '2026-11-22T07:04:17.193456789Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['1970-01-01T01:00:00+01:00', '1970-01-01T00:00:00.000Z'],
    ['1969-12-31T23:00:00-01:00', '1970-01-01T00:00:00.000Z'],
    ['2286-11-20T17:46:39.999999999Z', '2286-11-20T17:46:39.999999999Z'],
  ])('reads %s', (text, expected) => {
    expect(format(parseTimestamp(text))).toBe(expected)
  })

  it.each([
    '',
    'now',
    '2026',
    '20261122',
    '2026-11',
    '2026-13-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-11-31T00:00:00Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T07:60:00Z',
    '2026-11-22T07:04:61Z',
    '2026-11-22T07:04:17.Z',
    '2026-11-22T07:04:17+25:00',
    '2026-11-22T07:04:17+05:60',
    '2026-11-22T07:04:17Zzz',
    '2026-11-22T07:04:17 CET',
    '2026-11-22X07:04:17Z',
    '2026-11-2207:04:17Z',
    '２０２６-11-22T07:04:17Z',
    '22/Foo/2026:07:04:17 +0000',
    '22/anf/2026:07:04:17 +0000',
    '31/Nov/2026:07:04:17 +0000',
    '1969-12-31T23:59:59Z',
    '2286-11-20T17:46:40Z',
    '-1795331057',
    '17953310571934567890',
    `2026-11-22T07:04:17.${'0'.repeat(1000)}Z`,
    '1'.repeat(100_000),
  ])('refuses %s', (text) => {
    expect(parseTimestamp(text)).toBeUndefined()
  })

  it('reads back every instant that formatTimestamp writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: timestampMsMax - 1 }), fc.integer({ min: 0, max: 999_999 }), (ms, ns) => {
        expect(parseTimestamp(formatTimestamp(ms, ns))).toEqual({ ms, ns })
      }),
    )
  })

  it('agrees with Date on every day from 1970 to 2286', () => {
    const wrong: string[] = []
    for (let ms = 0; ms < timestampMsMax; ms += 86_400_000) {
      const text = `${new Date(ms).toISOString().slice(0, 10)}T00:00:01Z`
      if (parseTimestamp(text)?.ms !== ms + 1000) wrong.push(text)
    }
    expect(wrong).toEqual([])
  })

  it('never throws and never answers outside the range', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[0-9T:.,+ Z/-]{0,40}$/))
    fc.assert(
      fc.property(texts, (text) => {
        const instant = parseTimestamp(text)
        const { ms, ns } = instant ?? { ms: 0, ns: 0 }
        const inside = Number.isInteger(ms) && ms >= 0 && ms < timestampMsMax && Number.isInteger(ns) && ns >= 0 && ns < 1_000_000
        expect(inside).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('timestampFromNumber', () => {
  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [1795331057, '2026-11-22T07:04:17.000Z'],
    [1795331057.193, '2026-11-22T07:04:17.193Z'],
    [1795331057.193456, '2026-11-22T07:04:17.193456000Z'],
    [1795331057193, '2026-11-22T07:04:17.193Z'],
    [1795331057193.25, '2026-11-22T07:04:17.193250000Z'],
    [1795331057193456, '2026-11-22T07:04:17.193456000Z'],
    [9_999_999_999, '2286-11-20T17:46:39.000Z'],
  ])('takes the unit of %d from its magnitude', (value, expected) => {
    expect(format(timestampFromNumber(value))).toBe(expected)
  })

  it.each([-1, NaN, Infinity, -Infinity, 1e19, Number.MAX_VALUE])('refuses %d', (value) => {
    expect(timestampFromNumber(value)).toBeUndefined()
  })

  it('keeps nanoseconds of a big integer exactly', () => {
    expect(format(timestampFromBigint(1795331057193456789n))).toBe('2026-11-22T07:04:17.193456789Z')
    expect(format(timestampFromBigint(1795331057n))).toBe('2026-11-22T07:04:17.000Z')
    expect(timestampFromBigint(10n ** 30n)).toBeUndefined()
    expect(timestampFromBigint(-5n)).toBeUndefined()
  })
})
