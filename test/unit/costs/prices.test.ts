import { describe, expect, it } from 'vitest'
import { dollarsOf, prices, pricesDate, storageDollarsPerMonth } from '../../../src/core/prices.ts'

describe('prices', () => {
  it('name their unit, their page and their day', () => {
    expect(pricesDate).toMatch(/^\d{4}-\d{2}-\d{2}$/)
    for (const { dollars, per, unit, page } of Object.values(prices)) {
      expect([dollars > 0, per > 0, unit.length > 0, new URL(page).hostname]).toEqual([true, true, true, 'developers.cloudflare.com'])
    }
  })

  it('are summed over what was counted, by the million', () => {
    const costs = { worker_requests: 1e6, d1_rows_written: 2e6, r2_class_a: 1000, r2_class_b: 1e6, do_rows_read: 1e9 }
    expect(dollarsOf(costs)).toBeCloseTo(0.3 + 2 + 0.0045 + 0.36 + 1, 10)
  })

  it('leave out what is not billed', () => {
    expect(dollarsOf({ d1_statements: 1e9, r2_deletes: 1e9, r2_bytes_read: 1e15, r2_bytes_written: 1e15, logs_stored: 1e9 })).toBe(0)
  })

  it('of storage are for a month of 10^9 bytes', () => {
    expect(storageDollarsPerMonth({ hotBytes: 1e9, segmentBytes: 1e12 })).toBeCloseTo(0.2 + 15, 10)
  })
})
