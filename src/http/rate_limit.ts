import type { Context } from 'hono'
import * as z from 'zod'
import { addressGroup } from '../core/address.ts'
import { hourMs, minuteMs } from '../core/calendar.ts'
import { keyWritesPerMinuteMax, rateClientsMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { BaseCtx } from '../db/context.ts'
import { learn, newCounter, peek, shouldFlush, shouldRead, takeOne, tell } from './rate_window.ts'
import type { RateCounter, RateRecord, RateRule, RateState } from './rate_window.ts'
import type { AppEnv } from './route.ts'

/** Shortest life and cache time that KV takes, in seconds. */
const kvTtlSecondsMin = 60
const kvCacheSeconds = 30

const toldSchema = z.record(z.string(), z.number().nonnegative())
const recordSchema = z.object({ w: z.number(), now: toldSchema, before: toldSchema })

/**
 * A stranger is an address that shows credentials which turn out to be unknown; a key writer is an organization, for what its keys
 * write beside logs.
 */
export interface Client {
  kind: 'anonymous' | 'stranger' | 'user' | 'api_key' | 'key_writer'
  id: string
  /** A limit of its own, at work where it is below the deployment's. */
  perMinute?: number | null
}
export interface RateLimiter {
  /** Counts one request of the client; throws 429 when its window is used up. */
  enforce(c: Context<AppEnv>, client: Client): void
  /** Throws the same 429, and counts nothing. */
  refuseExhausted(c: Context<AppEnv>, client: Client): void
}

/**
 * Counts in the isolate, and shares through KV behind the answer: what a client used is written in tenths of its limit, at
 * most once in ten seconds an isolate, so light clients rarely are. Isolates tell numbers of their own under one key and
 * keep the greatest they saw of each other, so no write undoes another for long. A client that the isolates together let
 * use its limit in the last window gets from each isolate its share of the next.
 *
 * How wrong that is, over 50 isolates in 5 places and with KV as late as it may be, test/sim/rate_limits.test.ts measures;
 * what must be exact is counted in D1. `chance` draws from [0, 1).
 */
export function createRateLimiter(chance: () => number = Math.random): RateLimiter {
  const counters = new Map<string, RateCounter>()
  let tag: string | undefined
  return {
    enforce(c, client) {
      const base = c.get('base')
      const rule = ruleOf(client, base)
      const key = keyOf(client)
      const counter = counters.get(key) ?? newCounter()
      counters.delete(key)
      counters.set(key, counter)
      if (counters.size > rateClientsMax) forgetOldest(counters)
      const state = takeOne(counter, rule, base.now(), chance)
      // Not at the start: there is no chance outside of requests.
      tag ??= Math.floor(chance() * 0xffff_ffff).toString(36)
      share(counter, rule, { key, tag }, base)
      c.set('replyHeaders', { ...c.get('replyHeaders'), ...rateHeaders(state) })
      if (!state.allowed) throw tooMany(state)
    },
    refuseExhausted(c, client) {
      const base = c.get('base')
      const counter = counters.get(keyOf(client))
      const state = counter && peek(counter, ruleOf(client, base), base.now())
      if (state?.allowed === false) throw tooMany(state)
    },
  }
}

export function addressClient(address: string, kind: 'anonymous' | 'stranger' = 'anonymous'): Client {
  return { kind, id: addressGroup(address) }
}

function keyOf({ kind, id }: Client): string {
  return `${kind}:${id}`
}

function ruleOf(client: Client, { config }: BaseCtx): RateRule {
  const { anonymousPerMinute, userPerHour, apiKeyPerMinute } = config.rateLimits
  switch (client.kind) {
    case 'anonymous':
    case 'stranger':
      return { name: 'anonymous_per_minute', limit: anonymousPerMinute, windowMs: minuteMs }
    case 'user':
      return { name: 'user_per_hour', limit: userPerHour, windowMs: hourMs }
    case 'api_key':
      return { name: 'api_key_per_minute', limit: Math.min(apiKeyPerMinute, client.perMinute ?? Infinity), windowMs: minuteMs }
    case 'key_writer':
      return { name: 'organization_writes_per_minute', limit: keyWritesPerMinuteMax, windowMs: minuteMs }
  }
}

function share(counter: RateCounter, rule: RateRule, names: Names, base: BaseCtx): void {
  const now = base.now()
  const flush = shouldFlush(counter, rule, now)
  if (!flush && !shouldRead(counter, rule, now)) return
  counter.ownAtRead = counter.own
  counter.readMs = now
  if (flush) counter.flushedMs = now
  base.waitUntil(exchange(counter, rule, names, flush, base))
}

interface Names {
  /** Of the client. */
  key: string
  /** Of this isolate. */
  tag: string
}

/** Reads what all isolates told; with `flush`, adds this one's part. */
async function exchange(counter: RateCounter, rule: RateRule, { key, tag }: Names, flush: boolean, base: BaseCtx): Promise<void> {
  const { window } = counter
  const kv = base.env.RATE_LIMITS
  const kvKey = `rate:${key}`
  const stored = recordOf(await kv.get(kvKey, { cacheTtl: kvCacheSeconds }))
  if (counter.window !== window) return
  learn(counter, tag, stored)
  if (!flush) return
  await kv.put(kvKey, JSON.stringify(tell(counter, rule, tag)), { expirationTtl: Math.max(kvTtlSecondsMin, (2 * rule.windowMs) / 1000) })
}

/** Undefined for what is none: it counts as nothing, and the next write mends it. */
function recordOf(text: string | null): RateRecord | undefined {
  return text === null ? undefined : recordSchema.safeParse(parsed(text)).data
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function rateHeaders({ rule, remaining, resetSeconds }: RateState): Record<string, string> {
  return { 'RateLimit-Limit': String(rule.limit), 'RateLimit-Remaining': String(remaining), 'RateLimit-Reset': String(resetSeconds) }
}

function tooMany({ rule, resetSeconds }: RateState) {
  return problem('rate_limited', `The limit ${rule.name} of ${rule.limit} requests is used up. Try again in ${resetSeconds} s.`, {
    details: { [rule.name]: [`at most ${rule.limit} requests in ${rule.windowMs / 1000} s`] },
    headers: { 'Retry-After': String(resetSeconds) },
  })
}

/** A Map keeps insertion order and every use re-inserts, so the first is the one unused for longest. */
function forgetOldest(counters: Map<string, RateCounter>): void {
  const oldest = counters.keys().next()
  if (!oldest.done) counters.delete(oldest.value)
}
