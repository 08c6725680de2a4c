import { env } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { savedFiltersPerUserMax } from '../../src/core/limits.ts'
import { createWorld } from '../support/world.ts'
import { ask, auditOf } from './content_world.ts'

const path = '/api/v1/saved-filters'
const definition = { q: 'status:>=500', from: 'now-1h', columns: ['status'] }
const whole = { search: '', severity: [], source: [], to: null, order: 'newest', ...definition }

interface Filter {
  id: string
  name: string
  shared: boolean
  updated_at: string
}

describe('a saved filter', () => {
  it('is kept as it was given, and shown to its owner alone', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    const { status, body, headers } = await ask<Filter>(world, 'POST', path, { json: { name: ' Slow ', definition } })
    expect([status, headers.get('Location')]).toEqual([201, `${path}/${body.id}`])
    expect(body).toEqual({
      id: body.id,
      name: 'Slow',
      definition: whole,
      shared: false,
      owner_id: world.owner.userId,
      created_at: body.updated_at,
      updated_at: body.updated_at,
    })
    const item = `${path}/${body.id}`
    expect((await ask(world, 'GET', item)).body).toEqual(body)
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const json = method === 'PUT' || method === 'PATCH' ? { name: 'Mine', definition: {} } : undefined
      expect((await ask(world, method, item, { as: admin, json })).status).toBe(404)
    }
    expect((await ask(world, 'GET', path, { as: admin })).body).toMatchObject({ count: 0, results: [] })
    expect((await ask(world, 'GET', item)).body).toEqual(body)
  })

  it('that is shared is seen by all, and changed by who may share', async () => {
    const world = await createWorld()
    const [member, viewer] = [await world.addMember('member'), await world.addMember('viewer')]
    const { body } = await ask<Filter>(world, 'POST', path, { json: { name: 'Slow', definition, shared: true } })
    const item = `${path}/${body.id}`
    expect((await ask(world, 'GET', item, { as: viewer })).body).toEqual(body)
    for (const [method, json] of [
      ['PUT', { name: 'Slow', definition: {}, shared: true }],
      ['PATCH', { shared: false }],
      ['DELETE', undefined],
    ] as const)
      expect((await ask(world, method, item, { as: viewer, json })).body).toMatchObject({ status: 403, code: 'forbidden' })
    const changed = await ask<Filter>(world, 'PATCH', item, { as: member, json: { definition: { q: 'x' } } })
    expect(changed.body).toMatchObject({ name: 'Slow', shared: true, definition: { q: 'x', from: null }, owner_id: world.owner.userId })
    // Once it is not shared any more it is its owner's alone.
    expect((await ask(world, 'PATCH', item, { as: member, json: { shared: false } })).body).toMatchObject({ shared: false })
    expect((await ask(world, 'GET', item, { as: member })).status).toBe(404)
    expect((await ask(world, 'GET', item)).status).toBe(200)
  })

  it('of somebody who left stays shared until it is deleted', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    const { body } = await ask<Filter>(world, 'POST', path, { as: member, json: { name: 'Slow', definition, shared: true } })
    const item = `${path}/${body.id}`
    await env.DB.prepare('delete from memberships where user_id = ?').bind(member.userId).run()
    expect((await ask(world, 'PATCH', item, { json: { shared: false } })).body).toMatchObject({ status: 422, code: 'unprocessable' })
    expect((await ask(world, 'PATCH', item, { json: { name: 'Ours' } })).body).toMatchObject({ name: 'Ours', shared: true })
    expect((await ask(world, 'DELETE', item)).status).toBe(204)
  })

  it('of a viewer is kept for the viewer, and not shared', async () => {
    const world = await createWorld()
    const viewer = await world.addMember('viewer')
    const share = { json: { name: 'a', definition, shared: true }, as: viewer }
    expect((await ask(world, 'POST', path, share)).body).toMatchObject({ status: 403, code: 'forbidden' })
    const { status, body } = await ask<Filter>(world, 'POST', path, { as: viewer, json: { name: 'a', definition } })
    expect(status).toBe(201)
    const item = `${path}/${body.id}`
    expect((await ask(world, 'PATCH', item, { as: viewer, json: { shared: true } })).status).toBe(403)
    expect((await ask(world, 'PUT', item, { as: viewer, json: { name: 'b', definition: {} } })).body).toMatchObject({ name: 'b' })
    expect((await ask(world, 'DELETE', item, { as: viewer })).status).toBe(204)
    expect((await ask(world, 'GET', item, { as: viewer })).status).toBe(404)
  })

  it('has a name that no other of its owner has, also when requests race', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    const make = () => ask(world, 'POST', path, { json: { name: 'Slow', definition } })
    const statuses = (await Promise.all([make(), make(), make()])).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([201, 409, 409])
    expect((await ask(world, 'POST', path, { as: member, json: { name: 'Slow', definition } })).status).toBe(201)
    const other = await ask<Filter>(world, 'POST', path, { json: { name: 'Fast', definition } })
    const renamed = await ask(world, 'PATCH', `${path}/${other.body.id}`, { json: { name: 'Slow' } })
    expect(renamed.body).toMatchObject({ status: 409, code: 'conflict', detail: 'Another filter of this person has this name.' })
  })

  it('is changed one after the other by those who change it at once', async () => {
    const world = await createWorld()
    const { body } = await ask<Filter>(world, 'POST', path, { json: { name: 'Slow', definition, shared: true } })
    const answers = await Promise.all(['a', 'b', 'c'].map((name) => ask<Filter>(world, 'PATCH', `${path}/${body.id}`, { json: { name } })))
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    // Each change that was answered has its entry, which begins where the one before ended.
    const entries = (await auditOf(world, 'saved_filter')).filter(({ action }) => action === 'saved_filter.update')
    const names = entries.map(({ changes }) => (changes as { name: { before: string; after: string } }).name)
    expect(names).toHaveLength(answers.filter(({ status }) => status === 200).length)
    expect(names.map(({ before }) => before)).toEqual(['Slow', ...names.map(({ after }) => after)].slice(0, -1))
  })

  it('has a place as long as its owner has not too many', async () => {
    const world = await createWorld()
    await env.DB.prepare(
      `insert into saved_filters (organization_id, id, user_id, name, definition, shared, created_at, updated_at)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1 - 1)
       select ?2, 'fill ' || i, ?3, 'fill ' || i, '{}', 0, 0, 0 from n`,
    )
      .bind(savedFiltersPerUserMax, world.organizationId, world.owner.userId)
      .run()
    const make = (name: string) => ask(world, 'POST', path, { json: { name, definition } })
    const answers = await Promise.all([make('a'), make('b')])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409])
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ detail: expect.stringContaining('at most 200') as string })
    const member = await world.addMember('member')
    expect((await ask(world, 'POST', path, { as: member, json: { name: 'a', definition } })).status).toBe(201)
  })

  it('with a query that cannot be read is refused with the place of the error', async () => {
    const world = await createWorld()
    const { status, body } = await ask(world, 'POST', path, { json: { name: 'x', definition: { q: 'a OR (b' } } })
    expect([status, body['code']]).toEqual([400, 'validation_failed'])
    expect(body['details']).toEqual({
      'definition.q': [expect.stringMatching(/^At character 8: expected a closing parenthesis/) as string],
    })
  })

  it('does not exist for another organization', async () => {
    const [mine, other] = [await createWorld(), await createWorld()]
    const { body } = await ask<Filter>(other, 'POST', path, { json: { name: 'x', definition, shared: true } })
    const item = `${path}/${body.id}`
    for (const [method, json] of [
      ['GET', undefined],
      ['PUT', { name: 'mine', definition: {} }],
      ['PATCH', { shared: false }],
      ['DELETE', undefined],
    ] as const)
      expect((await ask(mine, method, item, { json })).body).toMatchObject({ status: 404, code: 'not_found' })
    expect((await ask(mine, 'GET', path)).body).toMatchObject({ count: 0 })
    expect((await ask(other, 'GET', item)).body).toEqual(body)
  })
})

it('the list of saved filters is paged, ordered, searched, and parted by owner and by what is shared', async () => {
  const world = await createWorld()
  const member = await world.addMember('member')
  const make = async (name: string, as = world.owner, shared = false) =>
    expect((await ask(world, 'POST', path, { as, json: { name, definition, shared } })).status).toBe(201)
  await make('Slow 100%')
  await make('errors', world.owner, true)
  await make('Theirs', member)
  await make('Theirs too', member, true)
  const names = async (query: string) => {
    const { body } = await ask<{ count: number; results: Filter[] }>(world, 'GET', `${path}?${query}`)
    return [body.count, ...body.results.map(({ name }) => name)]
  }
  expect(await names('')).toEqual([3, 'Slow 100%', 'Theirs too', 'errors'])
  expect(await names('ordering=-created_at')).toEqual([3, 'Theirs too', 'errors', 'Slow 100%'])
  expect(await names('page_size=2&page=2')).toEqual([3, 'errors'])
  expect(await names('search=0%25')).toEqual([1, 'Slow 100%'])
  expect(await names('search=THEIRS')).toEqual([1, 'Theirs too'])
  expect(await names('shared=true')).toEqual([2, 'Theirs too', 'errors'])
  expect(await names('shared=false')).toEqual([1, 'Slow 100%'])
  expect(await names(`owner_id=${member.userId}`)).toEqual([1, 'Theirs too'])
  expect((await ask(world, 'GET', `${path}?ordering=definition`)).status).toBe(400)
})

it('the audit log tells what shared filters say, and of private ones only that they changed', async () => {
  const world = await createWorld()
  const { body } = await ask<Filter>(world, 'POST', path, { json: { name: 'Mine', definition } })
  const item = `${path}/${body.id}`
  await ask(world, 'PATCH', item, { json: { definition: { q: 'secret' }, name: 'Mine too' } })
  await ask(world, 'PATCH', item, { json: { shared: true } })
  await ask(world, 'PATCH', item, { json: { name: 'Ours' } })
  // What changes nothing is no change.
  await ask(world, 'PATCH', item, { json: { name: 'Ours', shared: true } })
  await ask(world, 'DELETE', item)
  const actorId = world.owner.userId
  expect(await auditOf(world, 'saved_filter')).toEqual([
    { action: 'saved_filter.create', actorId, details: { shared: false }, changes: null },
    {
      action: 'saved_filter.update',
      actorId,
      details: { fields: ['name', 'definition.q', 'definition.from', 'definition.columns'] },
      changes: {},
    },
    { action: 'saved_filter.update', actorId, details: { fields: [] }, changes: { shared: { before: false, after: true } } },
    { action: 'saved_filter.update', actorId, details: {}, changes: { name: { before: 'Mine too', after: 'Ours' } } },
    {
      action: 'saved_filter.delete',
      actorId,
      details: expect.objectContaining({ name: 'Ours', 'definition.q': 'secret' }) as object,
      changes: null,
    },
  ])
})

it.each(['query', 'admin'] as const)('an API key of kind %s keeps no filters', async (kind) => {
  const world = await createWorld()
  const { key } = await world.createKey(kind)
  expect((await ask(world, 'GET', path, { as: { accessToken: key } })).body).toMatchObject({ status: 403, code: 'forbidden' })
})
