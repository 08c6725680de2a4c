import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressClient } from '../../../src/http/rate_limit.ts'
import { newCounter, peek, shouldFlush, takeOne } from '../../../src/http/rate_window.ts'

const rule = { name: 'anonymous_per_minute', limit: 100, windowMs: 60_000 }

describe('a rate window', () => {
  it('lets exactly the limit through and counts down', () => {
    const counter = newCounter()
    const states = Array.from({ length: 103 }, () => takeOne(counter, rule, 5_000))
    expect(states.filter((state) => state.allowed)).toHaveLength(100)
    expect(states[0]).toMatchObject({ allowed: true, remaining: 99, resetSeconds: 55 })
    expect(states[99]).toMatchObject({ allowed: true, remaining: 0 })
    expect(states[100]).toMatchObject({ allowed: false, remaining: 0 })
  })

  it('starts anew with the next window', () => {
    const counter = newCounter()
    for (let i = 0; i < 150; i += 1) takeOne(counter, rule, 59_999)
    expect(takeOne(counter, rule, 59_999)).toMatchObject({ allowed: false, resetSeconds: 1 })
    expect(takeOne(counter, rule, 60_000)).toMatchObject({ allowed: true, remaining: 99, resetSeconds: 60 })
  })

  it('counts what other isolates saw', () => {
    const counter = { ...newCounter(), window: 0, shared: 99 }
    expect(takeOne(counter, rule, 0)).toMatchObject({ allowed: true, remaining: 0 })
    expect(takeOne(counter, rule, 0)).toMatchObject({ allowed: false })
  })

  it('can be looked at without being used', () => {
    const counter = { ...newCounter(), window: 0, shared: 99 }
    expect([peek(counter, rule, 0), peek(counter, rule, 0)]).toMatchObject([
      { allowed: true, remaining: 1 },
      { allowed: true, remaining: 1 },
    ])
    takeOne(counter, rule, 0)
    expect(peek(counter, rule, 0)).toMatchObject({ allowed: false, remaining: 0 })
    expect(peek(counter, rule, 60_000)).toMatchObject({ allowed: true, remaining: 100 })
  })

  it('never lets more than the limit through in one window, whatever the times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200_000), { maxLength: 400 }), (times) => {
        const counter = newCounter()
        const allowed = new Map<number, number>()
        for (const time of times.toSorted((a, b) => a - b)) {
          if (takeOne(counter, rule, time).allowed)
            allowed.set(Math.floor(time / 60_000), (allowed.get(Math.floor(time / 60_000)) ?? 0) + 1)
        }
        for (const count of allowed.values()) expect(count).toBeLessThanOrEqual(100)
      }),
    )
  })

  it('tells KV only of heavy clients, and at most once in ten seconds', () => {
    const counter = { ...newCounter(), unshared: 9, flushedMs: 1_000 }
    expect(shouldFlush(counter, rule, 60_000)).toBe(false)
    counter.unshared = 10
    expect(shouldFlush(counter, rule, 10_999)).toBe(false)
    expect(shouldFlush(counter, rule, 11_000)).toBe(true)
  })
})

describe('an anonymous client', () => {
  it('is its IPv4 address, or the /64 of its IPv6 address in any spelling', () => {
    expect(addressClient('203.0.113.7').id).toBe('203.0.113.7')
    expect(addressClient('2001:db8:0:1:aaaa:bbbb:cccc:dddd').id).toBe('2001:db8:0:1')
    expect(addressClient('2001:0DB8:0000:0001::1').id).toBe('2001:db8:0:1')
    expect(addressClient('2001:db8::1:0:0:0:5').id).toBe('2001:db8:0:1')
    expect(addressClient('::1').id).toBe('0:0:0:0')
  })
})
