import { describe, expect, it } from 'vitest'
import { parseRangeHeader } from '../../../src/core/byte_range.ts'
import { segmentId, segmentKey } from '../../../src/search/storage/segments.ts'

describe('the range of a segment file', () => {
  it.each([
    ['bytes=0-9', { start: 0, end: 10 }],
    ['bytes=90-', { start: 90, end: 100 }],
    ['bytes=-10', { start: 90, end: 100 }],
    ['bytes=95-200', { start: 95, end: 100 }],
    ['bytes=-200', { start: 0, end: 100 }],
    [' bytes=99-99 ', { start: 99, end: 100 }],
  ])('%s of 100 bytes is understood', (header, range) => {
    expect(parseRangeHeader(header, 100)).toEqual(range)
  })

  it.each([undefined, '', 'bytes=-', 'bytes=a-b', 'rows=0-1', 'bytes=0-1,5-6', 'bytes=9-3'])('%s means the whole file', (header) => {
    expect(parseRangeHeader(header, 100)).toBeUndefined()
  })

  it.each(['bytes=100-', 'bytes=100-200', 'bytes=-0'])('%s is refused, with the size', (header) => {
    expect(() => parseRangeHeader(header, 100)).toThrow(
      expect.objectContaining({ code: 'range_not_satisfiable', headers: { 'Content-Range': 'bytes */100' } }),
    )
  })
})

it('an id and an organization make the key of a segment, and the key its id', () => {
  const key = 'org/0198-a/weur/2026/11/22/3-1-2000-7-0123456789abcdef.seg'
  expect(segmentId(key)).toBe('weur.20261122.3-1-2000-7-0123456789abcdef')
  expect(segmentKey('0198-a', 'weur.20261122.3-1-2000-7-0123456789abcdef')).toEqual({ key, shard: 3 })
})
