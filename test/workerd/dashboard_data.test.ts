import { env } from 'cloudflare:test'
import { afterEach, describe, expect, it } from 'vitest'
import { kindScopes } from '../../src/core/permissions.ts'
import type { LogJson } from '../../src/engine/log_json.ts'
import type { EncodableRow } from '../../src/engine/row.ts'
import { row } from '../support/rows.ts'
import { createWorld } from '../support/world.ts'
import { ask } from './content_world.ts'
import type { Data } from './dashboard_world.ts'
import { count, dashboardsPath as path, endMs, inRange, makeDashboard, place, range, rows, valueOf } from './dashboard_world.ts'
import { damageBlock, shardStub, storeHotAndSealed, storeRows } from './log_store.ts'

/** All files share one database, and the health check looks at all of it. */
afterEach(() => env.DB.prepare('DELETE FROM damaged_segments').run())

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
    for (const lacking of ['dashboards:read', 'logs:read']) {
      const { key } = await world.createKey(
        'query',
        kindScopes.query.filter((scope) => scope !== lacking),
      )
      expect((await ask(world, 'GET', to, { as: { accessToken: key } })).body).toMatchObject({ status: 403, code: 'forbidden' })
    }
    expect((await ask(world, 'GET', to, { as: { accessToken: (await world.createKey('ingest')).key } })).status).toBe(403)
  })
})
