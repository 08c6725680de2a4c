import type { World } from '../world.ts'

/* What people make in an organization, for samples.ts. */

const filter = { q: 'error status:>=500', severity: ['ERROR'], source: ['api'], from: 'now-1h', to: 'now', columns: ['status'] }
const layout = { x: 0, y: 0, w: 6, h: 4 }
const dashboard = {
  description: 'What it shows',
  from: 'now-1h',
  to: 'now',
  panels: [
    { id: 'a', kind: 'time_series', title: 'Errors', q: 'level:error', layout },
    { id: 'b', kind: 'number', title: 'All', stats: 'count()', layout: { ...layout, x: 6 } },
  ],
}

const report = {
  name: 'Report',
  enabled: true,
  definition: { q: 'error', from: 'now-1d', to: 'now', columns: ['message'], cron: '0 8 * * 1', to_emails: ['report@example.com'] },
}

const emailChannel = { name: 'On call', kind: 'email', to: ['on-call@example.com'] }
const webhookChannel = { name: 'Pager', kind: 'webhook', url: 'https://hooks.example.com/services/00000000' }

export const contentJsonSamples: Record<string, Record<string, unknown>> = {
  'saved_filters.create': { name: 'Filter', definition: filter, shared: true },
  'saved_filters.replace': { name: 'Filter', definition: filter, shared: true },
  'saved_filters.update': { name: 'Filter', definition: filter, shared: true },
  'reports.create': report,
  'reports.replace': report,
  'reports.update': report,
  'notification_channels.create': emailChannel,
  'notification_channels.replace': emailChannel,
  'notification_channels.update': { name: 'On call', to: ['on-call@example.com'] },
  'notification_channels.confirm_email': { token: 'A'.repeat(43) },
  'dashboards.create': { name: 'Dashboard', definition: dashboard },
  'dashboards.replace': { name: 'Dashboard', definition: dashboard },
  'dashboards.update': { name: 'Dashboard', definition: dashboard },
}

export const contentMakers: Record<string, (world: World) => Promise<string>> = {
  '/api/v1/saved-filters/:id': (world) =>
    make(world, '/api/v1/saved-filters', { name: crypto.randomUUID(), definition: filter, shared: true }),
  '/api/v1/reports/:id': (world) => make(world, '/api/v1/reports', report),
  '/api/v1/reports/:id/run': (world) => make(world, '/api/v1/reports', report),
  '/api/v1/notification-channels/:id': (world) => make(world, '/api/v1/notification-channels', emailChannel),
  '/api/v1/notification-channels/:id/test': (world) => make(world, '/api/v1/notification-channels', emailChannel),
  '/api/v1/notification-channels/:id/rotate-secret': (world) => make(world, '/api/v1/notification-channels', webhookChannel),
  '/api/v1/dashboards/:id': (world) => make(world, '/api/v1/dashboards', { name: 'Dashboard', definition: dashboard }),
  '/api/v1/dashboards/:id/data': (world) => make(world, '/api/v1/dashboards', { name: 'Dashboard', definition: dashboard }),
}

async function make({ call, owner }: World, path: string, json: object): Promise<string> {
  const response = await call(path, { as: owner.accessToken, json })
  if (response.status !== 201) throw new Error(`nothing at ${path}: ${response.status} ${await response.text()}`)
  return (await response.json<{ id: string }>()).id
}
