import { env } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import { kindScopes } from '../../src/core/permissions.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import type { LogJson } from '../../src/engine/log_json.ts'
import type { EncodableRow } from '../../src/engine/row.ts'
import { createDashboard } from '../../src/features/dashboards/create.ts'
import type { Panel } from '../../src/features/dashboards/dashboard.ts'
import { deleteDashboard } from '../../src/features/dashboards/remove.ts'
import { updateDashboard } from '../../src/features/dashboards/update.ts'
import { dashboardData } from '../../src/search/dashboards/data.ts'
import { runPanels } from '../../src/search/dashboards/run_panels.ts'
import { windowOf } from '../../src/search/dashboards/window.ts'
import { accessRows, row } from '../support/rows.ts'
import { plainLogSettings } from '../support/usage.ts'
import type { World } from '../support/world.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { ask } from './content_world.ts'
import { damageBlock, shardStub, storeHotAndSealed, storeRows } from './log_store.ts'

/** All files share one database, and the health check looks at all of it. */
afterEach(() => env.DB.prepare('DELETE FROM damaged_segments').run())

const path = '/api/v1/dashboards'
const rows = accessRows(1500)
const startMs = rows[0]!.timestampMs
const endMs = rows.at(-1)!.timestampMs + 1
const range = { from: new Date(startMs).toISOString(), to: new Date(endMs).toISOString() }
const inRange = new URLSearchParams(range).toString()
const place = (i: number) => ({ x: (i % 3) * 4, y: Math.floor(i / 3) * 4, w: 4, h: 4 })
const attribute = (one: EncodableRow, name: string) => one.values[one.names.indexOf(name)]
const sumOf = (some: readonly EncodableRow[], name: string) => some.reduce((sum, one) => sum + Number(attribute(one, name)), 0)

const panels = [
  { kind: 'time_series', title: 'By severity', interval: '1s' },
  { kind: 'time_series', title: 'Bytes', q: 'status:200', stats: 'sum(bytes)', by: ['source'], interval: '5s' },
  { kind: 'table', title: 'Sources', stats: 'count(), max(bytes)', by: ['source'], ordering: '-max(bytes)', limit: 2 },
  { kind: 'top_values', title: 'Status', field: 'status', limit: 3 },
  { kind: 'number', title: 'Errors', q: 'level:error' },
  { kind: 'log_list', title: 'Last', q: 'products', columns: ['status'], limit: 5 },
].map((panel, i) => ({ id: `p${i}`, layout: place(i), ...panel }))

interface Data {
  dashboard_id: string
  updated_at: string
  from: string
  to: string
  generated_at: string
  panels: {
    id: string
    kind: string
    status: string
    data: unknown
    error: { code: string; detail: string } | null
    damaged?: unknown[]
    stats: { shards: number } | null
  }[]
}

async function makeDashboard(world: World, definition: object): Promise<string> {
  const { status, body } = await ask<{ id: string }>(world, 'POST', path, { json: { name: 'Shop', definition } })
  if (status !== 201) throw new Error(`no dashboard: ${status} ${JSON.stringify(body)}`)
  return body.id
}

/** A verb's context of the world's owner; its clock stands until `at` moves it. */
function ownerCtx({ organizationId, accountId, owner }: World, more: Partial<TenantCtx> = {}) {
  const clock = { ms: Date.now() }
  const ctx: TenantCtx = {
    ...testCtx(),
    now: () => clock.ms,
    actor: { kind: 'user', userId: owner.userId, sessionId: 's', roles: ['owner'] },
    tenant: { organizationId, accountId, logSettings: plainLogSettings },
    ...more,
  }
  return { ctx, clock }
}

const definitionOf = (some: readonly object[]) => ({ description: '', from: 'now-1h', to: 'now', panels: some as Panel[] })
const count: Panel = { id: 'count', kind: 'number', title: 'Count', q: '', stats: 'count()', layout: place(0) }
const valueOf = (data: { panels: readonly { data?: unknown }[] }) => (data.panels[0]!.data as { value: number }).value

describe('the data of a dashboard', () => {
  it('is what counting hot and sealed logs by hand gives, for every kind of panel', async () => {
    const world = await storeHotAndSealed(await createWorld(), rows.slice(0, 600), rows.slice(600))
    const id = await makeDashboard(world, { panels })
    const { status, body } = await ask<Data>(world, 'GET', `${path}/${id}/data?${inRange}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ dashboard_id: id, ...range })
    expect(body.panels.map(({ id, kind, status }) => [id, kind, status])).toEqual(panels.map(({ id, kind }) => [id, kind, 'ok']))
    expect(body.panels.every(({ stats, error }) => stats?.shards === 2 && error === null)).toBe(true)
    const [severities, bytes, sources, top, errors, last] = body.panels.map(({ data }) => data)

    const seconds = Map.groupBy(rows, ({ timestampMs }) => Math.floor(timestampMs / 1000) * 1000)
    const histogram = severities as { count: number; buckets: { start: string; count: number; severities: Record<string, number> }[] }
    expect(histogram.count).toBe(rows.length)
    expect(
      histogram.buckets.filter((bucket) => bucket.count > 0).map((bucket) => [bucket.start, bucket.count, bucket.severities['ERROR']]),
    ).toEqual(
      [...seconds].map(([ms, some]) => [new Date(ms).toISOString(), some.length, some.filter(({ severity }) => severity === 4).length]),
    )

    const good = rows.filter((one) => attribute(one, 'status') === 200)
    const lines = bytes as {
      interval_ms: number
      groups: { group: string[]; values: number[]; buckets: { start: string; values: number[] }[] }[]
    }
    expect(lines.interval_ms).toBe(5000)
    for (const { group, values, buckets } of lines.groups) {
      const own = good.filter(({ source }) => source === group[0])
      expect(values).toEqual([sumOf(own, 'bytes')])
      const byHand = Map.groupBy(own, ({ timestampMs }) => Math.floor(timestampMs / 5000) * 5000)
      expect(buckets).toEqual([...byHand].map(([ms, some]) => ({ start: new Date(ms).toISOString(), values: [sumOf(some, 'bytes')] })))
    }
    expect(lines.groups).toHaveLength(3)

    const bySource = [...Map.groupBy(rows, ({ source }) => source)].map(([source, some]) => ({
      group: [source],
      values: [some.length, Math.max(...some.map((one) => Number(attribute(one, 'bytes'))))],
      complete: true,
    }))
    expect(sources).toMatchObject({
      groups: bySource.toSorted((a, b) => b.values[1]! - a.values[1]!).slice(0, 2),
      group_count: 3,
      truncated: true,
    })

    const byStatus = [...Map.groupBy(rows, (one) => String(attribute(one, 'status')))].map(([value, some]) => ({
      value,
      count: some.length,
    }))
    expect(top).toEqual({
      field: 'status',
      count: rows.length,
      values: byStatus.toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)).slice(0, 3),
      truncated: true,
    })

    expect(errors).toEqual({ function: 'count()', value: rows.filter(({ severity }) => severity === 4).length })

    const list = last as { columns: string[]; results: LogJson[] }
    expect(list.columns).toEqual(['status'])
    const newest = rows.toSorted((a, b) => b.timestampMs - a.timestampMs).slice(0, 5)
    expect(list.results.map(({ timestamp }) => timestamp)).toEqual(newest.map(({ timestampMs }) => new Date(timestampMs).toISOString()))
    expect(list.results.every(({ message }) => message.includes('products'))).toBe(true)
  })

  it('is of its own range of time unless another is asked for', async () => {
    const world = await createWorld()
    const recentMs = Date.now() - 60_000
    await storeRows(world, [...[0, 1, 2].map((i) => row({ timestampMs: recentMs + i })), row({ timestampMs: recentMs - 7_200_000 })])
    const id = await makeDashboard(world, { from: 'now-1h', panels: [count] })
    const data = async (query: string) => valueOf((await ask<Data>(world, 'GET', `${path}/${id}/data${query}`)).body)
    expect(await data('')).toBe(3)
    expect(await data('?from=now-1d')).toBe(4)
    expect(await data(`?to=${recentMs + 1}`)).toBe(1)
    for (const query of ['?from=', '?from=soon', '?from=now&to=now-1h', '?range=1h'])
      expect((await ask(world, 'GET', `${path}/${id}/data${query}`)).body).toMatchObject({ status: 400, code: 'validation_failed' })
  })

  it('of no logs is zeros and empty lists', async () => {
    const world = await createWorld()
    const { body } = await ask<Data>(world, 'GET', `${path}/${await makeDashboard(world, { panels })}/data?${inRange}`)
    expect(body.panels.map(({ status }) => status)).toEqual(panels.map(() => 'ok'))
    expect(body.panels[4]?.data).toEqual({ function: 'count()', value: 0 })
    expect(body.panels[5]?.data).toEqual({ columns: ['status'], results: [] })
  })

  it('has all that the other panels found when one fails', async () => {
    const world = await createWorld()
    await storeRows(world, rows.slice(0, 10))
    const id = await makeDashboard(world, { panels: [{ ...panels[0], interval: '1ms' }, panels[4], { ...count, layout: place(2) }] })
    const from = new Date(endMs - 86_400_000).toISOString()
    const { status, body } = await ask<Data>(world, 'GET', `${path}/${id}/data?${new URLSearchParams({ ...range, from }).toString()}`)
    expect(status).toBe(200)
    expect(body.panels[0]).toMatchObject({
      id: 'p0',
      status: 'error',
      data: null,
      stats: null,
      error: { code: 'validation_failed', detail: expect.stringContaining('86400000 intervals') as string },
    })
    expect(body.panels[1]).toMatchObject({ status: 'ok' })
    expect(body.panels[2]).toMatchObject({ status: 'ok', data: { value: 10 } })
  })

  it('says which panels miss logs that are stored but cannot be read', async () => {
    const world = await createWorld()
    const firstSeq = await storeRows(world, rows.slice(0, 50))
    await storeRows(world, rows.slice(50, 70), 'enam')
    const { rpc } = await shardStub(world)
    await damageBlock(rpc, firstSeq)
    const id = await makeDashboard(world, {
      panels: [
        { ...count, q: 'products' },
        { ...count, id: 'all', layout: place(1) },
      ],
    })
    const { body } = await ask<Data>(world, 'GET', `${path}/${id}/data?${inRange}`)
    expect(body.panels[0]).toMatchObject({ status: 'partial', data: { value: 20 }, error: null })
    expect(body.panels[0]?.damaged).toHaveLength(1)
    // How many there are stands beside the block, and is known all the same.
    expect(body.panels[1]).toMatchObject({ status: 'ok', data: { value: 70 } })
  })

  it('is for who may read dashboards and logs', async () => {
    const world = await createWorld()
    await storeRows(world, rows.slice(0, 10))
    const id = await makeDashboard(world, { panels: [count] })
    const to = `${path}/${id}/data?${inRange}`
    const viewer = await world.addMember('viewer')
    const query = await world.createKey('query')
    for (const as of [viewer, { accessToken: query.key }]) {
      const { status, body } = await ask<Data>(world, 'GET', to, { as })
      expect([status, valueOf(body)]).toEqual([200, 10])
    }
    for (const lacking of kindScopes.query) {
      const { key } = await world.createKey(
        'query',
        kindScopes.query.filter((scope) => scope !== lacking),
      )
      expect((await ask(world, 'GET', to, { as: { accessToken: key } })).body).toMatchObject({ status: 403, code: 'forbidden' })
    }
    expect((await ask(world, 'GET', to, { as: { accessToken: (await world.createKey('ingest')).key } })).status).toBe(403)
  })
})

describe('the cache of the data', () => {
  it('shows an answer again for five seconds, and a changed or deleted dashboard at once', async () => {
    const world = await createWorld()
    const { ctx, clock } = ownerCtx(world)
    const { id } = await createDashboard(ctx, { name: 'x', definition: definitionOf([count]) })
    const data = () => dashboardData(ctx, id, range)
    await storeRows(world, rows.slice(0, 10))
    const first = await data()
    expect(valueOf(first)).toBe(10)
    await storeRows(world, rows.slice(10, 30))
    clock.ms += 4999
    expect(await data()).toEqual(first)
    clock.ms += 1
    expect(valueOf(await data())).toBe(30)
    await storeRows(world, rows.slice(30, 60))
    const info: Panel = { ...count, q: 'level:error' }
    await updateDashboard(ctx, id, { definition: definitionOf([info]) }, () => true)
    expect(valueOf(await data())).toBe(rows.slice(0, 60).filter(({ severity }) => severity === 4).length)
    await deleteDashboard(ctx, id, () => true)
    await expect(data()).rejects.toMatchObject({ code: 'not_found' })
  })

  it('lets all who ask at once wait for the same queries', async () => {
    const world = await createWorld()
    await storeRows(world, rows.slice(0, 100))
    let opened = 0
    const LOG_SHARD = { getByName: (...args: Parameters<typeof env.LOG_SHARD.getByName>) => (opened++, env.LOG_SHARD.getByName(...args)) }
    const { ctx } = ownerCtx(world, { env: { ...env, LOG_SHARD } as unknown as TenantCtx['env'] })
    const { id } = await createDashboard(ctx, { name: 'x', definition: definitionOf([count]) })
    const answers = await Promise.all(Array.from({ length: 10 }, () => dashboardData(ctx, id, range)))
    expect(answers.map(valueOf)).toEqual(Array(10).fill(100))
    expect(opened).toBe(1)
    // Requests of their own, each with its own connections, wait for each other as well.
    const to = `${path}/${id}/data?${new URLSearchParams({ ...range, to: String(endMs + 1) }).toString()}`
    const bodies = await Promise.all(Array.from({ length: 10 }, async () => (await ask<Data>(world, 'GET', to)).body))
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
    expect(valueOf(bodies[0]!)).toBe(100)
  })

  it('keeps organizations apart, and does not keep what failed for a moment', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    await storeRows(world, rows.slice(0, 5))
    await storeRows(other, rows.slice(0, 7))
    const broken = {
      getByName: () => {
        throw Object.assign(new Error('Network connection lost'), { overloaded: true })
      },
    }
    const { ctx } = ownerCtx(world)
    const { id } = await createDashboard(ctx, { name: 'x', definition: definitionOf([count]) })
    const failing = {
      ...ctx,
      env: { ...env, LOG_SHARD: { getByName: () => ({ query: async () => broken.getByName() }) } } as unknown as TenantCtx['env'],
    }
    const failed = await dashboardData(failing, id, range)
    expect(failed.panels[0]).toMatchObject({ status: 'error', error: { code: 'unavailable' } })
    expect(valueOf(await dashboardData(ctx, id, range))).toBe(5)
    // The same id in another organization, as no two dashboards have: still nothing of the first one shows.
    await env.DB.prepare(
      `insert into dashboards select ?1, id, name, definition, created_by, created_at, updated_at from dashboards where id = ?2`,
    )
      .bind(other.organizationId, id)
      .run()
    expect(valueOf(await dashboardData({ ...ownerCtx(other).ctx, now: ctx.now }, id, range))).toBe(7)
  })
})

describe('the budget of a dashboard', () => {
  const searching = Array.from({ length: 6 }, (_, i): Panel => ({ ...count, id: `p${i}`, q: `products/${i}`, layout: place(i) }))

  it('ends with the panels that find nothing left of it', async () => {
    const world = await createWorld()
    await storeRows(world, rows)
    const { ctx } = ownerCtx(world)
    const window = windowOf(range.from, range.to, ctx.now(), 5000)
    const statuses = async (bytesMax: number, msMax = 20_000) =>
      (await runPanels(ctx, searching, window, { bytesMax, msMax })).map(({ status, error }) => error?.code ?? status)
    expect(await statuses(1024 ** 3)).toEqual(searching.map(() => 'ok'))
    expect(await statuses(0)).toEqual(searching.map(() => 'unprocessable'))
    expect(await statuses(1024 ** 3, 0)).toEqual(searching.map(() => 'unprocessable'))
    const some = await statuses(searching.length)
    expect(some.slice(0, 3)).toEqual(['ok', 'ok', 'ok'])
    expect(some.slice(-1)).toEqual(['unprocessable'])
  })
})
