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
const minutes = 60_000
const hourly = { name: 'sweep', cron: '7 * * * *' }
const never = { name: 'new', cron: '* * * * *' }
const down = async () => Promise.reject(new Error('no'))

/** /health with storages that answer as told; fresh modules, since health answers are remembered for a moment. */
async function health(
  path: string,
  storages: {
    d1?: () => Promise<unknown>
    damage?: number[]
    schedules?: object[]
    kv?: () => Promise<unknown>
    shard?: () => Promise<unknown>
  },
) {
  const { serviceRoutes } = await import('../../../src/features/service/routes.ts')
  const prepare = (text: string) => {
    const rows: object[] = text.includes('"schedules"')
      ? (storages.schedules ?? []).map((row) => ({ ...untouched, ...row }))
      : (storages.damage ?? []).map((seen_at) => ({ seen_at }))
    const done = async () => ({ meta: {}, results: rows })
    // The first row has the names of the columns.
    const raw = async () => [Object.keys(rows[0] ?? {}), ...rows.map((row): unknown[] => Object.values(row))]
    const statement = { bind: () => statement, run: storages.d1 ?? done, all: storages.d1 ?? done, raw: storages.d1 ?? raw }
    return statement
  }
  const bindings = {
    DB: { prepare },
    RATE_LIMITS: { get: storages.kv ?? ok },
    STORAGE: { head: ok },
    LOG_SHARD: { getByName: () => ({ ping: storages.shard ?? ok }) },
    EMAIL_JOBS: { metrics: ok },
  }
  const app = createApp(serviceRoutes([hourly, never]), { ...plainVerifiers, rateLimiter: createRateLimiter() })
  const execution = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} }
  const response = await app.request(path, {}, { ...plainEnv(), ...bindings }, execution)
  const { status, checks, schedules } = (await response.json()) as {
    status: string
    checks: Record<string, { status: string }>
    schedules?: object[]
  }
  if (path === '/health/detailed') return [response.status, status, schedules]
  return [response.status, status, Object.keys(checks).filter((name) => checks[name]?.status === 'down')]
}

/** A row of the table, in the order of its columns. */
const untouched = {
  name: 'sweep',
  leaseId: null,
  leaseUntil: 0,
  startedAt: null,
  endedAt: null,
  durationMs: null,
  outcome: null,
  error: null,
  runs: 0,
  failures: 0,
  succeededAt: null,
  knownAt: null,
  skips: 0,
  skippedAt: null,
} as const

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
  ['the database', { d1: down }, 'database', ['database', 'segments', 'schedules']],
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

const ago = (n: number) => Date.now() - n * minutes

it('shows how each schedule went, in a deployment that has run none as well', async () => {
  const none = { status: 'never', late: false, started_at: null, ended_at: null, duration_ms: null, succeeded_at: null, runs: 0 }
  expect(await health('/health/detailed', {})).toMatchObject([
    200,
    'ok',
    [
      { ...hourly, ...none },
      { ...never, ...none },
    ],
  ])
  vi.resetModules()
  const run = {
    startedAt: ago(9),
    endedAt: ago(8),
    durationMs: minutes,
    outcome: 'ok',
    runs: 7,
    failures: 2,
    succeededAt: ago(8),
    knownAt: 0,
  }
  const [, status, [shown]] = (await health('/health/detailed', { schedules: [run] })) as [number, string, object[]]
  expect([status, shown]).toMatchObject(['ok', { status: 'ok', late: false, duration_ms: minutes, runs: 7, failures: 2 }])
  expect(shown).toMatchObject({ started_at: new Date(run.startedAt).toISOString(), succeeded_at: new Date(run.endedAt).toISOString() })
})

it.each([
  ['succeeded three intervals ago', { runs: 9, outcome: 'failed', succeededAt: ago(181) }],
  ['never did in three intervals', { runs: 0, knownAt: ago(181) }],
])('is degraded, but ready, while a schedule is late: it %s', async (_, row) => {
  expect(await health('/health', { schedules: [row] })).toEqual([200, 'degraded', ['schedules']])
  vi.resetModules()
  expect(await health('/health/ready', { schedules: [row] })).toEqual([200, 'ok', []])
  vi.resetModules()
  expect(await health('/health/detailed', { schedules: [row] })).toMatchObject([200, 'degraded', [{ late: true }, { late: false }]])
})

it.each([
  ['failed once', { runs: 9, outcome: 'failed', failures: 1, succeededAt: ago(179) }, 'failed'],
  ['runs', { runs: 1, leaseId: 'x', leaseUntil: ago(-1), startedAt: ago(1), knownAt: ago(1) }, 'running'],
  ['was killed', { runs: 1, leaseId: 'x', leaseUntil: ago(1), startedAt: ago(20), knownAt: ago(20) }, 'failed'],
])('is ok while a schedule %s', async (_, row, status) => {
  expect(await health('/health/detailed', { schedules: [row] })).toMatchObject([200, 'ok', [{ status, late: false }, { status: 'never' }]])
})

it('tells of no schedule while the database is down', async () => {
  expect(await health('/health/detailed', { d1: down })).toEqual([503, 'unavailable', null])
})
