import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressClient } from '../../../src/http/rate_limit.ts'
import { learn, newCounter, peek, shouldFlush, shouldRead, takeOne, tell } from '../../../src/http/rate_window.ts'
import type { RateCounter } from '../../../src/http/rate_window.ts'

const rule = { name: 'anonymous_per_minute', limit: 100, windowMs: 60_000 }

const never = () => 0
const take = (counter: RateCounter, nowMs: number) => takeOne(counter, rule, nowMs, never)

/** A counter that let so many requests through at that time. */
function used(times: number, nowMs = 0): RateCounter {
  const counter = newCounter()
  for (let i = 0; i < times; i += 1) take(counter, nowMs)
  return counter
}

describe('a rate window', () => {
  it('lets exactly the limit through and counts down', () => {
    const counter = newCounter()
    const states = Array.from({ length: 103 }, () => take(counter, 5_000))
    expect(states.filter((state) => state.allowed)).toHaveLength(100)
    expect(states[0]).toMatchObject({ allowed: true, remaining: 99, resetSeconds: 55 })
    expect(states[99]).toMatchObject({ allowed: true, remaining: 0 })
    expect(states[100]).toMatchObject({ allowed: false, remaining: 0 })
  })

  it('starts anew with the next window', () => {
    const counter = used(150, 59_999)
    expect(take(counter, 59_999)).toMatchObject({ allowed: false, resetSeconds: 1 })
    expect(take(counter, 60_000)).toMatchObject({ allowed: true, remaining: 99, resetSeconds: 60 })
  })

  it('can be looked at without being used', () => {
    const counter = used(99)
    expect([peek(counter, rule, 0), peek(counter, rule, 0)]).toMatchObject([
      { allowed: true, remaining: 1 },
      { allowed: true, remaining: 1 },
    ])
    take(counter, 0)
    expect(peek(counter, rule, 0)).toMatchObject({ allowed: false, remaining: 0 })
    expect(peek(counter, rule, 60_000)).toMatchObject({ allowed: true, remaining: 100 })
  })

  it('never lets more than the limit through in one window, whatever the times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200_000), { maxLength: 400 }), (times) => {
        const counter = newCounter()
        const allowed = new Map<number, number>()
        for (const time of times.toSorted((a, b) => a - b)) {
          if (take(counter, time).allowed) allowed.set(Math.floor(time / 60_000), (allowed.get(Math.floor(time / 60_000)) ?? 0) + 1)
        }
        for (const count of allowed.values()) expect(count).toBeLessThanOrEqual(100)
      }),
    )
  })
})

describe('what isolates tell each other of a client', () => {
  it('takes from what is left, less what may be chance', () => {
    const counter = used(10)
    learn(counter, 'me', { w: 0, now: { a: 3, b: 1, me: 9 }, before: {} })
    // Four units of ten requests, less the root of four.
    expect(peek(counter, rule, 0)).toMatchObject({ remaining: 100 - 20 - 10 })
  })

  it('is the greatest number that each told, however late a lesser one comes', () => {
    const counter = used(1)
    learn(counter, 'me', { w: 0, now: { a: 9 }, before: {} })
    learn(counter, 'me', { w: 0, now: { a: 1 }, before: {} })
    expect(tell(counter, rule, 'me')).toEqual({ w: 0, now: { a: 9 }, before: {} })
  })

  it('is nothing to another window, and what was told of this one is what was before in the next', () => {
    const counter = used(30, 60_000)
    learn(counter, 'me', { w: 7, now: { a: 9 }, before: {} })
    learn(counter, 'me', { w: 0, now: { a: 2 }, before: {} })
    expect(tell(counter, rule, 'me')).toEqual({ w: 1, now: { me: 3 }, before: { a: 2 } })
    take(counter, 120_000)
    expect(tell(counter, rule, 'me')).toEqual({ w: 2, now: {}, before: { me: 3 } })
  })

  it('leaves an isolate its share of the next window when the client went over its limit', () => {
    const counter = used(20)
    learn(counter, 'me', { w: 0, now: { a: 8 }, before: {} })
    // 20 of 100 were let through here.
    expect(take(counter, 60_000)).toMatchObject({ allowed: true, remaining: 19 })
    const calm = used(20)
    learn(calm, 'me', { w: 0, now: { a: 2 }, before: {} })
    expect(take(calm, 60_000)).toMatchObject({ remaining: 99 })
  })

  it('is told once for a tenth of the limit on average, from wherever the count is rounded, at most once in ten seconds', () => {
    const counter = used(9)
    expect(shouldFlush(counter, rule, 0)).toBe(false)
    expect(shouldFlush({ ...counter, phase: 0.1 }, rule, 0)).toBe(true)
    take(counter, 0)
    expect(shouldFlush(counter, rule, 0)).toBe(true)
    expect([shouldFlush({ ...counter, flushedMs: 0 }, rule, 9_999), shouldFlush({ ...counter, flushedMs: 0 }, rule, 10_000)]).toEqual([
      false,
      true,
    ])
    tell(counter, rule, 'me')
    expect(shouldFlush(counter, rule, 0)).toBe(false)
    const told = Array.from({ length: 100 }, (_, i) => tell({ ...used(3), phase: i / 100 }, rule, 'me').now['me'] ?? 0)
    expect(told.reduce((sum, units) => sum + units, 0)).toBe(30)
  })

  it('is asked for at first, and again as the client goes on, at most once in ten seconds', () => {
    const counter = used(5)
    expect(shouldRead(counter, rule, 0)).toBe(true)
    expect(shouldRead({ ...counter, ownAtRead: 4, readMs: 0 }, rule, 9_999)).toBe(false)
    expect(shouldRead({ ...counter, ownAtRead: 4, readMs: 0 }, rule, 10_000)).toBe(true)
    expect(shouldRead({ ...counter, ownAtRead: 5, readMs: 0 }, rule, 10_000)).toBe(false)
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
