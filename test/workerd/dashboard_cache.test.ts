import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import type { TenantCtx } from '../../src/db/context.ts'
import { createDashboard } from '../../src/features/dashboards/create.ts'
import type { Panel } from '../../src/features/dashboards/dashboard.ts'
import { deleteDashboard } from '../../src/features/dashboards/remove.ts'
import { updateDashboard } from '../../src/features/dashboards/update.ts'
import { dashboardData } from '../../src/search/dashboards/data.ts'
import { runPanels } from '../../src/search/dashboards/run_panels.ts'
import { windowOf } from '../../src/search/dashboards/window.ts'
import { createWorld } from '../support/world.ts'
import { ask } from './content_world.ts'
import type { Data } from './dashboard_world.ts'
import { count, dashboardsPath as path, definitionOf, endMs, ownerCtx, place, range, rows, valueOf } from './dashboard_world.ts'
import { storeRows } from './log_store.ts'

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
