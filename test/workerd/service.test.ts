import { env } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { version } from '../../src/core/version.ts'
import { schedules } from '../../src/jobs/schedules.ts'
import { callFrom, randomAddress } from '../support/world.ts'

const get = async (path: string) => callFrom(randomAddress(), path)

// What other files left in the one storage of all: schedules that failed, and segments that they damaged. Before any check is made,
// since its answer is kept for two seconds.
beforeAll(async () => {
  await env.DB.batch([env.DB.prepare('DELETE FROM schedules'), env.DB.prepare('DELETE FROM damaged_segments')])
})

describe('the service', () => {
  it('tells its name, version and where to go on', async () => {
    const response = await get('/')
    expect(response.status).toBe(200)
    const { name, links, ...rest } = await response.json<{ name: string; links: Record<string, string> }>()
    expect([name, rest]).toEqual(['Edgelog', { version }])
    for (const link of [links['schema'], links['health'], links['keys']]) expect((await get(new URL(link ?? '').pathname)).status).toBe(200)
  })

  it('serves its OpenAPI document to anybody, to be kept for a while', async () => {
    const response = await get('/api/schema?format=json')
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=300')
    expect(await response.json()).toMatchObject({ openapi: '3.1.0', info: { title: 'Edgelog', version } })
  })
})

describe('health', () => {
  it('asks every storage for real', async () => {
    const response = await get('/health')
    expect(response.status).toBe(200)
    const { checks, ...rest } = await response.json<{ checks: Record<string, { status: string; latency_ms: number }> }>()
    expect(Object.keys(checks).toSorted()).toEqual(['database', 'kv', 'log_shard', 'queues', 'schedules', 'segments', 'storage'])
    expect(Object.entries(checks).filter(([, { status, latency_ms }]) => status !== 'ok' || !(latency_ms >= 0))).toEqual([])
    expect(rest).toEqual({ status: 'ok', version })
  })

  it('tells more on request: where and when the answer was made', async () => {
    const body = await (await get('/health/detailed/')).json<{ time: string; schedules: { name: string }[] }>()
    expect(body).toMatchObject({ status: 'ok', environment: 'test', region: 'weur' })
    expect(body.schedules.map(({ name }) => name)).toEqual(schedules.map(({ name }) => name))
    expect(Math.abs(Date.parse(body.time) - Date.now())).toBeLessThan(60_000)
  })

  it.each([
    ['/health/live', undefined],
    ['/health/ready', ['database', 'log_shard']],
    ['/health/database', ['database']],
  ])('of %s checks what it is named for', async (path, names) => {
    const response = await get(path)
    const { status, checks } = await response.json<{ status: string; checks?: object }>()
    expect([response.status, status, checks && Object.keys(checks)]).toEqual([200, 'ok', names])
  })

  it('leaves nothing behind in the storages it asks', async () => {
    await get('/health')
    expect([await env.RATE_LIMITS.get('health/probe'), await env.STORAGE.head('health/probe')]).toEqual([null, null])
  })

  it('is never refused for being asked often', async () => {
    const address = randomAddress()
    const statuses = new Set<number>()
    for (let i = 0; i < 150; i += 1) statuses.add((await callFrom(address, '/health/live')).status)
    expect([...statuses]).toEqual([200])
  })
})
