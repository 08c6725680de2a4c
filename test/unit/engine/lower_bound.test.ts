import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lastAtMost, within } from '../../../src/engine/lower_bound.ts'
import { runs } from '../../support/effort.ts'

const numbers = fc.uniqueArray(fc.nat(40)).map((some) => some.sort((a, b) => a - b))

test('the last number at most a value, and those from one value to another, are those that a look at all of them gives', () => {
  fc.assert(
    fc.property(numbers, fc.nat(42), fc.nat(42), (sorted, first, last) => {
      expect(lastAtMost(sorted, first)).toBe(sorted.findLastIndex((each) => each <= first))
      expect(lastAtMost(Float64Array.from(sorted), first)).toBe(lastAtMost(sorted, first))
      expect(within(sorted, first, last)).toEqual(sorted.filter((each) => each >= first && each <= last))
    }),
    { numRuns: runs(100) },
  )
})
