import { beforeAll, describe, expect, it } from 'vitest'
import { problemOf } from '../support/app.ts'
import { makeRule } from '../support/hostile/alert_samples.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { ask } from './content_world.ts'

const path = '/api/v1/alerts'
const rule = { name: 'Cards', definition: { threshold: 0, by: ['message'] } }

let world: World
beforeAll(async () => {
  world = await createWorld()
})

describe('a key for alerts that may not read logs', () => {
  it('neither makes nor changes rules, nor sees what they found', async () => {
    const id = await makeRule(world)
    const { key } = await world.createKey('admin', ['alerts:read', 'alerts:write', 'channels:read'])
    const refused = [
      ['POST', path, rule],
      ['PUT', `${path}/${id}`, rule],
      ['PATCH', `${path}/${id}`, { definition: rule.definition }],
      ['GET', `${path}/${id}`, undefined],
      ['GET', `${path}/${id}/history`, undefined],
      ['GET', `${path}/${id}/notifications`, undefined],
      ['POST', `${path}/${id}/notifications/${id}/retry`, undefined],
    ] as const
    for (const [method, url, json] of refused) {
      const response = await world.call(url, { method, as: key, ...(json && { json }) })
      expect([method, url, response.status]).toEqual([method, url, 403])
      expect((await problemOf(response)).detail).toContain('logs:read')
    }
  })

  it('still lists rules by name, silences them and deletes them', async () => {
    const id = await makeRule(world)
    const { key } = await world.createKey('admin', ['alerts:read', 'alerts:write'])
    const list = await world.call(path, { as: key })
    expect(list.status).toBe(200)
    expect(await list.text()).not.toContain('"groups"')
    expect((await world.call(`${path}/${id}/silence`, { as: key, json: { duration_minutes: 5, comment: 'Deployment' } })).status).toBe(201)
    expect((await world.call(`${path}/${id}`, { method: 'DELETE', as: key })).status).toBe(204)
  })

  it('does so again once it may read logs', async () => {
    const { key } = await world.createKey('admin', ['alerts:read', 'alerts:write', 'logs:read'])
    const made = await world.call(path, { as: key, json: rule })
    expect(made.status).toBe(201)
    const { id } = await made.json<{ id: string }>()
    expect((await world.call(`${path}/${id}`, { as: key })).status).toBe(200)
    expect((await ask(world, 'GET', `${path}/${id}/history`)).status).toBe(200)
  })
})
