import { describe, expect, test } from 'vitest'
import { timestampMsMax } from '../../../src/core/limits.ts'
import { parseRange } from '../../../src/search/time_range.ts'

const now = Date.parse('2026-11-22T07:10:00.000Z')
const iso = (text: string) => Date.parse(text)

describe('the range of a query', () => {
  test('has no bounds when none are given', () => {
    expect(parseRange(undefined, undefined, now)).toEqual({ fromMs: 0, toMs: 1e13 })
    expect(parseRange('', '', now)).toEqual({ fromMs: 0, toMs: 1e13 })
  })

  test.each([
    ['2026-11-22T07:00:00Z', '2026-11-22T07:00:00.000Z'],
    ['2026-11-22T08:00:00+01:00', '2026-11-22T07:00:00.000Z'],
    ['2026-11-22', '2026-11-22T00:00:00.000Z'],
    ['1795331057193', '2026-11-22T07:04:17.193Z'],
    ['1795331057', '2026-11-22T07:04:17.000Z'],
    ['now', '2026-11-22T07:10:00.000Z'],
    ['now-15m', '2026-11-22T06:55:00.000Z'],
    ['now-90s', '2026-11-22T07:08:30.000Z'],
    ['now-2h', '2026-11-22T05:10:00.000Z'],
    ['now-7d', '2026-11-15T07:10:00.000Z'],
    ['now-1w', '2026-11-15T07:10:00.000Z'],
    ['now-999999999w', '1970-01-01T00:00:00.000Z'],
  ])('begins with %s at %s', (text, expected) => {
    expect(parseRange(text, undefined, now).fromMs).toBe(iso(expected))
  })

  test('ends before the moment given, and after the day given', () => {
    expect(parseRange(undefined, '2026-11-22T07:00:00Z', now).toMs).toBe(iso('2026-11-22T07:00:00Z'))
    expect(parseRange(undefined, '2026-11-22', now).toMs).toBe(iso('2026-11-23T00:00:00Z'))
    expect(parseRange('2026-11-22', '2026-11-22', now)).toEqual({ fromMs: iso('2026-11-22'), toMs: iso('2026-11-23') })
  })

  test('ends no later than time itself', () => {
    for (const to of ['2286-11-20', '2286-11-20T17:46:39.999999999Z', '9999999999.999999999', 'now+999999999w'])
      expect([to, parseRange(undefined, to, now).toMs]).toEqual([to, timestampMsMax])
  })

  test.each([
    'yesterday',
    'now-',
    'now-15',
    'now-15x',
    'now - 15m',
    '2026-13-01',
    '2026-11-22T25:00:00Z',
    '-1',
    '1e9',
    'NaN',
    '9'.repeat(60),
  ])('is refused when it begins with %s', (text) => {
    expect(() => parseRange(text, undefined, now)).toThrow(
      expect.objectContaining({ code: 'validation_failed', details: { from: [expect.any(String)] } }),
    )
  })

  test('is refused when it ends before it begins', () => {
    expect(() => parseRange('now', 'now-1h', now)).toThrow(/later than/)
  })
})
