import type { Context } from 'hono'
import type { BaseCtx } from '../../src/db/context.ts'
import { ProblemError } from '../../src/core/problems.ts'
import { createRateLimiter } from '../../src/http/rate_limit.ts'
import type { Client, RateLimiter } from '../../src/http/rate_limit.ts'
import type { AppEnv } from '../../src/http/route.ts'
import { seededRandom } from '../support/seeded_random.ts'

/*
 * The real rate limiter in many isolates, over a KV as late as the platform allows: a write is seen elsewhere after a delay
 * of its own, the last write wins, and each place keeps what it read, absence included, for 30 seconds.
 */

export interface RateLoad {
  seed: number
  isolates: number
  /** Places that the isolates are spread over; the isolates of a place share its cache of KV. */
  places: number
  client: Client
  limits: { anonymousPerMinute: number; userPerHour: number; apiKeyPerMinute: number }
  windowMs: number
  windows: number
  /** Requests a window, spread over it by chance. */
  perWindow: number
  /** Weight of each isolate: how many of the requests reach it. */
  weight(isolate: number): number
  /** A write is seen elsewhere after at most this. */
  kvDelayMsMax: number
}

export interface RateOutcome {
  /** Requests let through, by window. */
  allowed: number[]
  /** Requests refused although fewer than the limit had been let through in the window, by window. */
  wronglyRefused: number[]
  kvReads: number
  kvWrites: number
  requests: number
  /** Shortest time between two writes by one isolate. */
  writeGapMsMin: number
}

interface Write {
  value: string
  seenAtMs: number
}

export async function simulateRateLimit(load: RateLoad): Promise<RateOutcome> {
  const random = seededRandom(load.seed)
  const chance = () => random(1_000_000) / 1_000_000
  const outcome: RateOutcome = {
    allowed: Array<number>(load.windows).fill(0),
    wronglyRefused: Array<number>(load.windows).fill(0),
    kvReads: 0,
    kvWrites: 0,
    requests: 0,
    writeGapMsMin: Infinity,
  }
  let nowMs = 0
  const store = new Map<string, Write[]>()
  const caches = Array.from({ length: load.places }, () => new Map<string, { value: string | null; untilMs: number }>())
  const lastWrites = new Map<number, number>()
  const kvOf = (isolate: number) => ({
    async get(key: string, { cacheTtl }: { cacheTtl: number }) {
      outcome.kvReads += 1
      const cache = caches[isolate % load.places]
      const cached = cache?.get(key)
      if (cached && cached.untilMs > nowMs) return cached.value
      const seen = (store.get(key) ?? []).filter(({ seenAtMs }) => seenAtMs <= nowMs)
      const value = seen.at(-1)?.value ?? null
      cache?.set(key, { value, untilMs: nowMs + cacheTtl * 1000 })
      return value
    },
    async put(key: string, value: string) {
      outcome.kvWrites += 1
      outcome.writeGapMsMin = Math.min(outcome.writeGapMsMin, nowMs - (lastWrites.get(isolate) ?? -Infinity))
      lastWrites.set(isolate, nowMs)
      const writes = (store.get(key) ?? []).slice(-200)
      store.set(key, [...writes, { value, seenAtMs: nowMs + random(load.kvDelayMsMax + 1) }])
    },
  })
  const isolates = Array.from({ length: load.isolates }, (_, i) => ({ limiter: createRateLimiter(chance), kv: kvOf(i) }))
  const weights = isolates.map((_, i) => load.weight(i))
  const limit = limitOf(load)
  for (let window = 0; window < load.windows; window += 1) {
    const times = Array.from({ length: load.perWindow }, () => window * load.windowMs + random(load.windowMs)).toSorted((a, b) => a - b)
    for (const time of times) {
      nowMs = time
      outcome.requests += 1
      const { limiter, kv } = isolates[pick(weights, chance())] as (typeof isolates)[number]
      const used = outcome.allowed[window] ?? 0
      if (await letThrough(limiter, load, kv, nowMs)) outcome.allowed[window] = used + 1
      else if (used < limit) outcome.wronglyRefused[window] = (outcome.wronglyRefused[window] ?? 0) + 1
    }
  }
  return outcome
}

/** One request through the limiter, and what goes on behind it. */
async function letThrough(limiter: RateLimiter, { client, limits }: RateLoad, kv: object, nowMs: number): Promise<boolean> {
  const behind: Promise<unknown>[] = []
  const base = {
    now: () => nowMs,
    config: { rateLimits: limits },
    env: { RATE_LIMITS: kv },
    waitUntil: (work: Promise<unknown>) => void behind.push(work),
  } as unknown as BaseCtx
  const variables = new Map<string, unknown>([['base', base]])
  const c = {
    get: (name: string) => variables.get(name),
    set: (name: string, value: unknown) => void variables.set(name, value),
  } as unknown as Context<AppEnv>
  try {
    limiter.enforce(c, client)
    return true
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'rate_limited') return false
    throw error
  } finally {
    await Promise.all(behind)
  }
}

export function limitOf({ client, limits }: Pick<RateLoad, 'client' | 'limits'>): number {
  if (client.kind === 'user') return limits.userPerHour
  return client.kind === 'api_key' ? limits.apiKeyPerMinute : limits.anonymousPerMinute
}

function pick(weights: readonly number[], chance: number): number {
  let left = chance * weights.reduce((sum, weight) => sum + weight, 0)
  const found = weights.findIndex((weight) => (left -= weight) < 0)
  return found < 0 ? weights.length - 1 : found
}
