import type { World } from '../world.ts'

/* What people make in an organization, for samples.ts. */

const filter = { q: 'error status:>=500', severity: ['ERROR'], source: ['api'], from: 'now-1h', to: 'now', columns: ['status'] }

export const contentJsonSamples: Record<string, Record<string, unknown>> = {
  'saved_filters.create': { name: 'Filter', definition: filter, shared: true },
  'saved_filters.replace': { name: 'Filter', definition: filter, shared: true },
  'saved_filters.update': { name: 'Filter', definition: filter, shared: true },
}

export const contentMakers: Record<string, (world: World) => Promise<string>> = {
  '/api/v1/saved-filters/:id': (world) =>
    make(world, '/api/v1/saved-filters', { name: crypto.randomUUID(), definition: filter, shared: true }),
}

async function make({ call, owner }: World, path: string, json: object): Promise<string> {
  const response = await call(path, { as: owner.accessToken, json })
  if (response.status !== 201) throw new Error(`nothing at ${path}: ${response.status} ${await response.text()}`)
  return (await response.json<{ id: string }>()).id
}
