import { rateFlushMs, rateFlushShare, rateReadMs, rateReadShare, rateTellersMax } from '../core/limits.ts'

/** A limit of requests within fixed windows of `windowMs`, counted from 1970. */
export interface RateRule {
  readonly name: string
  readonly limit: number
  readonly windowMs: number
}

/** Units (tenths of the limit) that each isolate told of, by its tag. */
export type Told = Record<string, number>

/** One client as one isolate knows it: this window, and the one before. */
export interface RateCounter {
  window: number
  /** Requests that this isolate let through. */
  own: number
  ownBefore: number
  /** Units of its own that it told KV of, and those of the window before. */
  told: number
  toldBefore: number
  /** What the others told, without this isolate. */
  others: Told
  othersBefore: Told
  /** Part of a unit that its count is ahead by when it is rounded down; drawn anew in each window. */
  phase: number
  /** Own count and time when KV was last asked; -1: not in this window. */
  ownAtRead: number
  readMs: number
  flushedMs: number
}

export interface RateState {
  readonly rule: RateRule
  readonly allowed: boolean
  readonly remaining: number
  /** Whole seconds until the window ends, at least 1. */
  readonly resetSeconds: number
}

/** What KV holds of one client: what the isolates told of a window `w`, and of the one before. */
export interface RateRecord {
  w: number
  now: Told
  before: Told
}

export function newCounter(): RateCounter {
  const nothing = { own: 0, ownBefore: 0, told: 0, toldBefore: 0, others: {}, othersBefore: {} }
  return { window: -1, ...nothing, phase: 0, ownAtRead: -1, readMs: 0, flushedMs: -Infinity }
}

/** What one more request would find; counts nothing. */
export function peek(counter: RateCounter, rule: RateRule, nowMs: number): RateState {
  const window = Math.floor(nowMs / rule.windowMs)
  const left = counter.window === window ? leftOf(counter, rule) : rule.limit
  const resetSeconds = Math.max(1, Math.ceil(((window + 1) * rule.windowMs - nowMs) / 1000))
  return { rule, allowed: left >= 1, remaining: Math.max(0, Math.floor(left)), resetSeconds }
}

/** Counts one request. A refused one does not count, so that waiting helps. `chance` draws from [0, 1). */
export function takeOne(counter: RateCounter, rule: RateRule, nowMs: number, chance: () => number): RateState {
  const window = Math.floor(nowMs / rule.windowMs)
  if (counter.window !== window) turn(counter, rule, window, chance)
  const state = peek(counter, rule, nowMs)
  if (!state.allowed) return state
  counter.own += 1
  return { ...state, remaining: state.remaining - 1 }
}

/**
 * Whether there is something to tell the other isolates: a further unit. As counts are rounded down from a phase that is
 * drawn, a tenth of the limit is told once on average, however thin it is spread over isolates.
 */
export function shouldFlush(counter: RateCounter, rule: RateRule, nowMs: number): boolean {
  return unitsOf(counter, rule) > counter.told && nowMs - counter.flushedMs >= rateFlushMs
}

/** Whether what the others told should be looked up: at first, and again as the client goes on. */
export function shouldRead(counter: RateCounter, rule: RateRule, nowMs: number): boolean {
  if (counter.ownAtRead < 0) return true
  return counter.own - counter.ownAtRead >= rule.limit * rateReadShare && nowMs - counter.readMs >= rateReadMs
}

/** Takes in what KV holds. Of each isolate the greatest number counts, so that a write that overtook another does no harm. */
export function learn(counter: RateCounter, tag: string, record: RateRecord | undefined): void {
  if (record === undefined) return
  if (record.w === counter.window) {
    counter.others = merged(counter.others, record.now, tag)
    counter.othersBefore = merged(counter.othersBefore, record.before, tag)
  } else if (record.w === counter.window - 1) {
    counter.othersBefore = merged(counter.othersBefore, record.now, tag)
  }
}

/** What is to be written: all that is known, and this isolate's own part. */
export function tell(counter: RateCounter, rule: RateRule, tag: string): RateRecord {
  counter.told = unitsOf(counter, rule)
  return {
    w: counter.window,
    now: withOwn(counter.others, tag, counter.told),
    before: withOwn(counter.othersBefore, tag, counter.toldBefore),
  }
}

function turn(counter: RateCounter, rule: RateRule, window: number, chance: () => number): void {
  const isNext = counter.window === window - 1
  Object.assign(counter, {
    window,
    ownBefore: isNext ? counter.own : 0,
    toldBefore: isNext ? unitsOf(counter, rule) : 0,
    othersBefore: isNext ? counter.others : {},
    own: 0,
    told: 0,
    others: {},
    phase: chance(),
    ownAtRead: -1,
  })
}

/** Requests that are left here: of the limit, less what others use, and of this isolate's share if the client was over it. */
function leftOf(counter: RateCounter, rule: RateRule): number {
  const { limit } = rule
  const unit = limit * rateFlushShare
  const others = sum(counter.others)
  // Others are known in whole units that stand for parts of a unit: as many may be wrong by chance as the root of them.
  const known = Math.max(0, others - Math.sqrt(others)) * unit
  const before = sum(counter.othersBefore) * unit
  const usedBefore = counter.ownBefore + before
  const share = before > 0 && usedBefore >= limit / 2 ? Math.max(1, (limit * (counter.ownBefore + 1)) / (usedBefore + 1)) : limit
  return Math.min(limit - known, share) - counter.own
}

function unitsOf({ own, phase }: RateCounter, { limit }: RateRule): number {
  return own === 0 ? 0 : Math.floor(own / (limit * rateFlushShare) + phase)
}

function merged(known: Told, told: Told, tag: string): Told {
  const all = { ...known }
  for (const [teller, units] of Object.entries(told)) if (teller !== tag) all[teller] = Math.max(all[teller] ?? 0, units)
  return all
}

function withOwn(others: Told, tag: string, units: number): Told {
  const kept = Object.entries(others).toSorted(([, a], [, b]) => b - a)
  return Object.fromEntries([...(units > 0 ? [[tag, units] as const] : []), ...kept].slice(0, rateTellersMax))
}

function sum(told: Told): number {
  return Object.values(told).reduce((total, units) => total + units, 0)
}
