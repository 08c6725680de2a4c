import type { Context } from 'hono'
import { addressGroup } from '../core/address.ts'
import { rateClientsMax } from '../core/limits.ts'
import { problem } from '../core/problems.ts'
import type { BaseCtx } from '../db/context.ts'
import { newCounter, peek, shouldFlush, takeOne } from './rate_window.ts'
import type { RateCounter, RateRule, RateState } from './rate_window.ts'
import type { AppEnv } from './route.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** Shortest life and cache time that KV takes, in seconds. */
const kvTtlSecondsMin = 60
const kvCacheSeconds = 30

/** A stranger is an address that shows credentials which turn out to be unknown. */
export interface Client {
  kind: 'anonymous' | 'stranger' | 'user' | 'api_key'
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
 * Counts in the isolate, and shares through KV behind the answer: a client is read once a window and written at most
 * once in ten seconds, and only if it is heavy. Two isolates that write at once lose one part, so the limit is
 * approximate, in the client's favour; what must be exact is counted in D1.
 */
export function createRateLimiter(): RateLimiter {
  const counters = new Map<string, RateCounter>()
  return {
    enforce(c, client) {
      const base = c.get('base')
      const rule = ruleOf(client, base)
      const key = keyOf(client)
      const counter = counters.get(key) ?? newCounter()
      counters.delete(key)
      counters.set(key, counter)
      if (counters.size > rateClientsMax) forgetOldest(counters)
      const state = takeOne(counter, rule, base.now())
      share(counter, rule, key, base)
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
  }
}

function share(counter: RateCounter, rule: RateRule, key: string, base: BaseCtx): void {
  const flush = shouldFlush(counter, rule, base.now())
  if (counter.read && !flush) return
  counter.read = true
  if (flush) counter.flushedMs = base.now()
  base.waitUntil(exchange(counter, rule, `rate:${key}:${counter.window}`, flush, base))
}

/** Reads what all isolates counted; with `flush`, adds this one's part. */
async function exchange(counter: RateCounter, rule: RateRule, kvKey: string, flush: boolean, base: BaseCtx): Promise<void> {
  const { window } = counter
  const kv = base.env.RATE_LIMITS
  const stored = Number((await kv.get(kvKey, { cacheTtl: kvCacheSeconds })) ?? 0)
  if (counter.window !== window || !Number.isSafeInteger(stored)) return
  counter.shared = Math.max(counter.shared, stored)
  if (!flush) return
  const part = counter.unshared
  counter.shared += part
  counter.unshared -= part
  await kv.put(kvKey, String(counter.shared), { expirationTtl: Math.max(kvTtlSecondsMin, (2 * rule.windowMs) / 1000) })
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
