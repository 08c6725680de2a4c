import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { healthCacheMs } from '../../../src/core/limits.ts'
import { createRateLimiter } from '../../../src/http/rate_limit.ts'
import { createApp } from '../../../src/app.ts'
import { plainEnv, plainVerifiers } from '../../support/app.ts'

beforeEach(() => {
  vi.resetModules()
  for (const kind of ['log', 'error'] as const) vi.spyOn(console, kind).mockImplementation(() => undefined)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const ok = async () => null
const down = async () => Promise.reject(new Error('no'))

/** /health with storages that answer as told; fresh modules, since health answers are remembered for a moment. */
async function health(
  path: string,
  storages: { d1?: () => Promise<unknown>; damage?: number[]; kv?: () => Promise<unknown>; shard?: () => Promise<unknown> },
) {
  const { serviceRoutes } = await import('../../../src/features/service/routes.ts')
  const rows = storages.damage ?? []
  const done = async () => ({ meta: {}, results: rows.map((seen_at) => ({ seen_at })) })
  const damage = async () => [['seen_at'], ...rows.map((seenAt) => [seenAt])]
  const statement = { bind: () => statement, run: storages.d1 ?? done, all: storages.d1 ?? done, raw: storages.d1 ?? damage }
  const bindings = {
    DB: { prepare: () => statement },
    RATE_LIMITS: { get: storages.kv ?? ok },
    STORAGE: { head: ok },
    LOG_SHARD: { getByName: () => ({ ping: storages.shard ?? ok }) },
    EMAIL_JOBS: { metrics: ok },
  }
  const app = createApp(serviceRoutes, { ...plainVerifiers, rateLimiter: createRateLimiter() })
  const execution = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} }
  const response = await app.request(path, {}, { ...plainEnv(), ...bindings }, execution)
  const { status, checks } = (await response.json()) as { status: string; checks: Record<string, { status: string }> }
  return [response.status, status, Object.keys(checks).filter((name) => checks[name]?.status === 'down')]
}

it('is ok when every storage answers', async () => {
  expect(await health('/health', {})).toEqual([200, 'ok', []])
})

it('is degraded, but ready, without KV', async () => {
  expect(await health('/health', { kv: down })).toEqual([200, 'degraded', ['kv']])
  vi.resetModules()
  expect(await health('/health/ready', { kv: down })).toEqual([200, 'ok', []])
})

it('is degraded, but ready, while queries meet damaged logs', async () => {
  expect(await health('/health', { damage: [1] })).toEqual([200, 'degraded', ['segments']])
  vi.resetModules()
  expect(await health('/health/ready', { damage: [1] })).toEqual([200, 'ok', []])
})

it.each([
  ['the database', { d1: down }, 'database', ['database', 'segments']],
  ['the log shards', { shard: down }, 'log_shard', ['log_shard']],
])('is 503 without %s', async (_, storages, name, all) => {
  expect(await health('/health', storages)).toEqual([503, 'unavailable', all])
  vi.resetModules()
  expect(await health('/health/ready', storages)).toEqual([503, 'unavailable', [name]])
})

it('asks a storage once for all requests that come meanwhile, and again after a while', async () => {
  vi.useFakeTimers()
  let asked = 0
  const slow = { d1: () => new Promise((resolve) => setTimeout(() => resolve(++asked), 100)) }
  const many = Array.from({ length: 20 }, () => health('/health/database', slow))
  await vi.advanceTimersByTimeAsync(100)
  expect(new Set((await Promise.all(many)).map(String))).toEqual(new Set(['200,ok,']))
  expect(asked).toBe(1)
  await vi.advanceTimersByTimeAsync(healthCacheMs)
  const later = health('/health/database', slow)
  await vi.advanceTimersByTimeAsync(100)
  expect(await later).toEqual([200, 'ok', []])
  expect(asked).toBe(2)
})

it('does not wait for a storage that hangs', async () => {
  vi.useFakeTimers()
  const answer = health('/health/database', { d1: () => new Promise(() => undefined) })
  await vi.advanceTimersByTimeAsync(2_000)
  await vi.runAllTimersAsync()
  expect(await answer).toEqual([503, 'unavailable', ['database']])
})
