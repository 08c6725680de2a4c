import { rateFlushMs, rateFlushShare } from '../core/limits.ts'

/** A limit of requests within fixed windows of `windowMs`, counted from 1970. */
export interface RateRule {
  readonly name: string
  readonly limit: number
  readonly windowMs: number
}

/** One client as one isolate knows it. */
export interface RateCounter {
  window: number
  /** What KV knew of this window when last read or written: all isolates, and this one's part already written. */
  shared: number
  /** Requests this isolate saw since. */
  unshared: number
  /** Whether KV was asked about this window. */
  read: boolean
  flushedMs: number
}

export interface RateState {
  readonly rule: RateRule
  readonly allowed: boolean
  readonly remaining: number
  /** Whole seconds until the window ends, at least 1. */
  readonly resetSeconds: number
}

export function newCounter(): RateCounter {
  return { window: -1, shared: 0, unshared: 0, read: false, flushedMs: 0 }
}

/** What one more request would find; counts nothing. */
export function peek(counter: RateCounter, rule: RateRule, nowMs: number): RateState {
  const window = Math.floor(nowMs / rule.windowMs)
  const used = counter.window === window ? counter.shared + counter.unshared : 0
  const resetSeconds = Math.max(1, Math.ceil(((window + 1) * rule.windowMs - nowMs) / 1000))
  return { rule, allowed: used < rule.limit, remaining: Math.max(0, rule.limit - used), resetSeconds }
}

/** Counts one request. A refused one does not count, so that waiting helps. */
export function takeOne(counter: RateCounter, rule: RateRule, nowMs: number): RateState {
  const window = Math.floor(nowMs / rule.windowMs)
  if (counter.window !== window) Object.assign(counter, newCounter(), { window })
  const state = peek(counter, rule, nowMs)
  if (!state.allowed) return state
  counter.unshared += 1
  return { ...state, remaining: state.remaining - 1 }
}

/** Whether this client used enough since the last write for the other isolates to need to know. */
export function shouldFlush(counter: RateCounter, rule: RateRule, nowMs: number): boolean {
  return counter.unshared >= rule.limit * rateFlushShare && nowMs - counter.flushedMs >= rateFlushMs
}
