import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { auditEntryCharsMax, dashboardPanelsMax, dashboardsPerOrganizationMax } from '../../src/core/limits.ts'
import { createWorld } from '../support/world.ts'
import { ask, auditOf } from './content_world.ts'

const path = '/api/v1/dashboards'
const layout = { x: 0, y: 0, w: 6, h: 4 }
const panels = [
  { id: 'errors', kind: 'time_series', title: 'Errors', q: 'level:error', stats: null, by: [], interval: '1m', limit: 10, layout },
  { id: 'all', kind: 'number', title: 'All', q: '', stats: 'count()', layout: { ...layout, x: 6 } },
]
const definition = { description: 'What went wrong', from: 'now-6h', to: 'now', panels }

interface Dashboard {
  id: string
  name: string
  definition: typeof definition
  created_at: string
  updated_at: string
}

describe('a dashboard', () => {
  it('is kept as it was given, with a tag for its version', async () => {
    const world = await createWorld()
    const { status, body, headers } = await ask<Dashboard>(world, 'POST', path, { json: { name: ' Shop ', definition } })
    expect([status, headers.get('Location')]).toEqual([201, `${path}/${body.id}`])
    expect(body).toEqual({
      id: body.id,
      name: 'Shop',
      definition,
      created_by: world.owner.userId,
      created_at: body.created_at,
      updated_at: body.created_at,
    })
    const got = await ask<Dashboard>(world, 'GET', `${path}/${body.id}`)
    expect(got.body).toEqual(body)
    expect(got.headers.get('ETag')).toBe(`"${Date.parse(body.created_at)}"`)
    expect(headers.get('ETag')).toBe(got.headers.get('ETag'))
  })

  it('fills the audit log no faster when all its panels change', async () => {
    const world = await createWorld()
    const filled = (q: string) =>
      Array.from({ length: dashboardPanelsMax }, (_, i) => ({
        id: `p${i}`,
        kind: 'number',
        title: 'Many',
        q: q.repeat(200),
        layout: { x: i % 12, y: Math.floor(i / 12), w: 1, h: 1 },
      }))
    const made = await ask<Dashboard>(world, 'POST', path, { json: { name: 'Many', definition: { panels: filled('a') } } })
    const json = { definition: { panels: filled('b') } }
    expect((await ask(world, 'PATCH', `${path}/${made.body.id}`, { json })).status).toBe(200)
    const { results } = await env.DB.prepare(
      "select length(details) + coalesce(length(changes), 0) as chars from audit_log where organization_id = ? and target_kind = 'dashboard'",
    )
      .bind(world.organizationId)
      .all<{ chars: number }>()
    expect(results).toHaveLength(2)
    for (const { chars } of results) expect(chars).toBeLessThanOrEqual(auditEntryCharsMax)
    const [, updated] = await auditOf(world, 'dashboard')
    expect(Object.keys(updated?.changes ?? {})).toEqual(filled('b').map(({ id }) => `panels.${id}`))
  })

  it('is exported by GET and imported by POST, in another organization too', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const made = await ask<Dashboard>(world, 'POST', path, { json: { name: 'Shop', definition: { panels } } })
    const { name, definition: exported } = (await ask<Dashboard>(world, 'GET', `${path}/${made.body.id}`)).body
    for (const to of [world, other]) {
      const { status, body } = await ask<Dashboard>(to, 'POST', path, { json: { name, definition: exported } })
      expect(status).toBe(201)
      expect(body).toMatchObject({ name, definition: exported })
      expect(body.id).not.toBe(made.body.id)
    }
  })

  it('is replaced whole and changed in parts', async () => {
    const world = await createWorld()
    const { body: made } = await ask<Dashboard>(world, 'POST', path, { json: { name: 'Shop', definition } })
    const item = `${path}/${made.id}`
    const renamed = await ask<Dashboard>(world, 'PATCH', item, { json: { name: 'Shop 2' } })
    expect(renamed.body).toEqual({ ...made, name: 'Shop 2', updated_at: renamed.body.updated_at })
    expect(Date.parse(renamed.body.updated_at)).toBeGreaterThan(Date.parse(made.updated_at))
    const replaced = await ask<Dashboard>(world, 'PUT', item, { json: { name: 'Shop 3', definition: {} } })
    expect(replaced.body).toMatchObject({ name: 'Shop 3', definition: { description: '', from: 'now-1h', to: 'now', panels: [] } })
    expect((await ask(world, 'PUT', item, { json: { name: 'Shop' } })).status).toBe(400)
    expect((await ask<Dashboard>(world, 'GET', item)).body).toEqual(replaced.body)
  })

  it('is changed and deleted only in the version that If-Match names', async () => {
    const world = await createWorld()
    const made = await ask<Dashboard>(world, 'POST', path, { json: { name: 'Shop', definition } })
    const item = `${path}/${made.body.id}`
    const seen = { 'If-Match': made.headers.get('ETag') ?? '' }
    const rename = (name: string) => ask<Dashboard>(world, 'PATCH', item, { json: { name }, headers: seen })
    const answers = await Promise.all([rename('a'), rename('b'), rename('c')])
    const lost = answers.filter(({ status }) => status !== 200)
    expect(lost).toHaveLength(2)
    expect(lost.every(({ status }) => status === 412)).toBe(true)
    expect((await ask(world, 'PUT', item, { json: { name: 'd', definition }, headers: seen })).body).toMatchObject({
      status: 412,
      code: 'precondition_failed',
    })
    expect((await ask(world, 'DELETE', item, { headers: seen })).status).toBe(412)
    const won = answers.find(({ status }) => status === 200)
    expect((await ask(world, 'GET', item)).body).toEqual(won?.body)
    expect((await ask(world, 'DELETE', item, { headers: { 'If-Match': won?.headers.get('ETag') ?? '' } })).status).toBe(204)
    expect((await ask(world, 'GET', item)).status).toBe(404)
  })

  it('with wrong panels is refused, and each of them named', async () => {
    const world = await createWorld()
    const wrong = [
      { ...panels[0], q: 'level:(' },
      { ...panels[1], stats: 'p0(x)' },
      { id: 'x', kind: 'number', title: 'X', layout: { ...layout, y: 4 } },
    ]
    for (const method of ['POST', 'PUT', 'PATCH']) {
      const { body: made } = await ask<Dashboard>(world, 'POST', path, { json: { name: 'x', definition: {} } })
      const to = method === 'POST' ? path : `${path}/${made.id}`
      const { status, body } = await ask(world, method, to, { json: { name: 'x', definition: { panels: wrong } } })
      expect([status, body['code']]).toEqual([400, 'validation_failed'])
      expect(body['details']).toEqual({
        'definition.panels.0.q': [expect.stringMatching(/^At character 8: expected/) as string],
        'definition.panels.1.stats': [expect.stringMatching(/^At character 1: expected a percentile/) as string],
      })
    }
  })

  it('is read by viewers and keys that query, and written by members and admin keys', async () => {
    const world = await createWorld()
    const [member, viewer] = [await world.addMember('member'), await world.addMember('viewer')]
    const [query, admin] = [await world.createKey('query'), await world.createKey('admin')]
    const make = (as: { accessToken: string }) => ask<Dashboard>(world, 'POST', path, { as, json: { name: 'x', definition } })
    const { body } = await make(member)
    const item = `${path}/${body.id}`
    const byKey = await make({ accessToken: admin.key })
    expect(byKey.body).toMatchObject({ created_by: admin.id })
    for (const as of [viewer, { accessToken: query.key }]) {
      expect((await ask(world, 'GET', item, { as })).status).toBe(200)
      expect((await ask(world, 'GET', path, { as })).body).toMatchObject({ count: 2 })
      expect((await make(as)).status).toBe(403)
      expect((await ask(world, 'PUT', item, { as, json: { name: 'y', definition } })).status).toBe(403)
      expect((await ask(world, 'PATCH', item, { as, json: { name: 'y' } })).status).toBe(403)
      expect((await ask(world, 'DELETE', item, { as })).status).toBe(403)
    }
    expect((await ask(world, 'GET', item)).body).toEqual(body)
  })

  it('does not exist for another organization', async () => {
    const [mine, other] = [await createWorld(), await createWorld()]
    const { body } = await ask<Dashboard>(other, 'POST', path, { json: { name: 'x', definition } })
    const item = `${path}/${body.id}`
    for (const [method, to, json] of [
      ['GET', item, undefined],
      ['GET', `${item}/data`, undefined],
      ['PUT', item, { name: 'mine', definition: {} }],
      ['PATCH', item, { name: 'mine' }],
      ['DELETE', item, undefined],
    ] as const)
      expect((await ask(mine, method, to, { json })).body).toMatchObject({ status: 404, code: 'not_found' })
    expect((await ask(other, 'GET', item)).body).toEqual(body)
  })

  it('has a place as long as there are not too many, also when requests race', async () => {
    const world = await createWorld()
    await env.DB.prepare(
      `insert into dashboards (organization_id, id, name, definition, created_by, created_at, updated_at)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1 - 1)
       select ?2, 'fill ' || i, 'fill', '{"description":"","panels":[]}', 'x', 0, 0 from n`,
    )
      .bind(dashboardsPerOrganizationMax, world.organizationId)
      .run()
    const make = () => ask(world, 'POST', path, { json: { name: 'x', definition } })
    const statuses = (await Promise.all([make(), make(), make()])).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409])
    expect((await auditOf(world, 'dashboard')).length).toBe(1)
  })
})

it('the list of dashboards tells how many panels each has, paged, ordered and searched', async () => {
  const world = await createWorld()
  for (const [name, some] of [
    ['Web', panels],
    ['api', []],
    ['API 2', panels.slice(1)],
  ] as const)
    await ask(world, 'POST', path, { json: { name, definition: { description: `of ${name}`, panels: some } } })
  const listed = async (query: string) => {
    const { body } = await ask<{ count: number; results: { name: string; panel_count: number; description: string }[] }>(
      world,
      'GET',
      `${path}?${query}`,
    )
    return [body.count, ...body.results.map(({ name, panel_count, description }) => `${name} ${panel_count} ${description}`)]
  }
  expect(await listed('')).toEqual([3, 'API 2 1 of API 2', 'Web 2 of Web', 'api 0 of api'])
  expect(await listed('ordering=-created_at&page_size=1&page=3')).toEqual([3, 'Web 2 of Web'])
  expect(await listed('search=API&ordering=-name')).toEqual([2, 'api 0 of api', 'API 2 1 of API 2'])
})

it('the audit log tells of dashboards what changed, each panel by its id and in short', async () => {
  const world = await createWorld()
  const { body } = await ask<Dashboard>(world, 'POST', path, { json: { name: 'Shop', definition } })
  const item = `${path}/${body.id}`
  const long = 'x'.repeat(3000)
  const changed = {
    ...definition,
    panels: [
      { ...panels[0], q: long },
      { id: 'new', kind: 'number', title: 'N', layout: { ...layout, y: 4 } },
    ],
  }
  await ask(world, 'PATCH', item, { json: { name: 'Shop 2', definition: changed } })
  await ask(world, 'PATCH', item, { json: { name: 'Shop 2' } })
  await ask(world, 'DELETE', item)
  const [created, updated, deleted, ...more] = await auditOf(world, 'dashboard')
  expect(more).toEqual([])
  expect(created).toMatchObject({ action: 'dashboard.create', details: { name: 'Shop', from: 'now-6h' } })
  expect(updated?.action).toBe('dashboard.update')
  expect(Object.keys(updated?.changes ?? {})).toEqual(['name', 'panels.errors', 'panels.all', 'panels.new'])
  expect(updated?.changes).toMatchObject({
    name: { before: 'Shop', after: 'Shop 2' },
    'panels.all': { before: { kind: 'number', title: 'All' }, after: null },
    'panels.new': { before: null, after: { kind: 'number', title: 'N' } },
  })
  expect(JSON.stringify(updated).length).toBeLessThan(2000)
  expect(deleted).toMatchObject({ action: 'dashboard.delete', actorId: world.owner.userId, details: { name: 'Shop 2' } })
})
