import type { World } from '../world.ts'

/** A body that each route with a JSON body accepts, by route id; the suite checks that no route lacks one. */
export const jsonSamples: Record<string, Record<string, unknown>> = {
  'auth.register': { email: 'new@example.com', password: 'correct horse battery', name: 'New', organization_name: 'New Inc' },
  'auth.login': { email: 'new@example.com', password: 'correct horse battery', transport: 'bearer' },
  'auth.refresh': { refresh_token: 'x' },
  'api_keys.create': { name: 'key', kind: 'query', scopes: ['logs:read'], expires_at: '2999-01-01T00:00:00Z' },
  'api_keys.rename': { name: 'key' },
  'logs.searchByPost': { q: 'error', from: 'now-1h', to: 'now', order: 'newest', limit: 10 },
  'logs.replace': { timestamp: '2026-01-01T00:00:00Z', severity: 'INFO', source: 'api', message: 'text', attributes: { a: 1 } },
  'logs.update': { timestamp: '2026-01-01T00:00:00Z', severity: 'INFO', source: 'api', message: 'text', attributes: { a: 1 } },
}

/** Query parameters that a route cannot do without. */
export const querySamples: Record<string, Record<string, string>> = {
  'logs.tail': { ticket: 'x' },
}

/** For each path with a parameter: makes something in that world and gives its id; the suite checks that no path lacks one. */
export const thingMakers: Record<string, (world: World) => Promise<string>> = {
  '/api/v1/api-keys/:id': async (world) => (await world.createKey('query')).id,
  '/api/v1/logs/:id': async (world) => {
    const { key } = await world.createKey('ingest')
    const response = await world.call('/api/v1/logs', { as: key, json: { message: 'secret' } })
    if (response.status !== 201) throw new Error(`no log: ${response.status} ${await response.text()}`)
    return (await response.json<{ id: string }>()).id
  },
}

/** Makes a thing and deletes it again, at the same path. */
export async function makeAndDelete(world: World, path: string, make: (world: World) => Promise<string>): Promise<string> {
  const id = await make(world)
  const response = await world.call(path.replace(/:\w+/g, id), { method: 'DELETE', as: world.owner.accessToken })
  if (response.status !== 204) throw new Error(`not deleted: ${response.status} ${await response.text()}`)
  return id
}
