import { alertNotifications } from '../../../src/db/schema_alerts.ts'
import { testCtx } from '../world.ts'
import type { World } from '../world.ts'

/* Alert rules and silences, for samples.ts. */

const definition = {
  q: 'level:error',
  stats: 'count()',
  by: ['source'],
  operator: '>',
  threshold: 10,
  recovery_threshold: 5,
  window_seconds: 300,
  interval_seconds: 60,
  delay_seconds: 30,
  for_seconds: 60,
  recover_for_seconds: 0,
  no_data: { policy: 'nodata', after_seconds: 600 },
  renotify_seconds: 3600,
  severity: 'critical',
  description: 'Checkout fails',
  runbook_url: 'https://example.com/checkout',
  channel_ids: [],
}
const rule = { name: 'Errors', enabled: true, definition }
const window = {
  rule_id: null,
  comment: 'Backups',
  starts_at: '2026-01-01T00:00:00Z',
  ends_at: null,
  recurrence: { cron: '0 2 * * SUN', time_zone: 'Europe/Berlin', duration_minutes: 60 },
}

export const alertJsonSamples: Record<string, Record<string, unknown>> = {
  'alerts.create': rule,
  'alerts.replace': rule,
  'alerts.update': rule,
  'alerts.test': { notify: false },
  'alerts.preview': { definition, from: 'now-30m', to: 'now' },
  'alerts.silence': { duration_minutes: 60, comment: 'Deployment' },
  'silences.create': window,
  'silences.update': { comment: 'Backups', starts_at: window.starts_at, ends_at: null, recurrence: window.recurrence },
}

export const alertMakers: Record<string, (world: World) => Promise<string>> = {
  '/api/v1/alerts/:id': makeRule,
  '/api/v1/alerts/:id/history': makeRule,
  '/api/v1/alerts/:id/notifications': makeRule,
  '/api/v1/alerts/:id/notifications/:notification_id/retry': makeFailed,
  '/api/v1/alerts/:id/silence': makeRule,
  '/api/v1/alerts/:id/test': makeRule,
  '/api/v1/silences/:id': (world) => make(world, '/api/v1/silences', window),
}

export function makeRule(world: World): Promise<string> {
  return make(world, '/api/v1/alerts', rule)
}

/** A rule with a notification that did not get through. */
async function makeFailed(world: World): Promise<string> {
  const ruleId = await makeRule(world)
  const channel = { name: crypto.randomUUID(), kind: 'email', to: [world.owner.email] }
  const channelId = await make(world, '/api/v1/notification-channels', channel)
  const { db, newId, now } = testCtx()
  const [id, at] = [newId(), now()]
  await db.insert(alertNotifications).values({
    organizationId: world.organizationId,
    ruleId,
    id,
    channelId,
    kind: 'firing',
    status: 'failed',
    error: 'refused',
    nextAttemptAt: at,
    createdAt: at,
    updatedAt: at,
    notice: { id },
  })
  return `${ruleId} ${id}`
}

async function make({ call, owner }: World, path: string, json: object): Promise<string> {
  const response = await call(path, { as: owner.accessToken, json })
  if (response.status !== 201) throw new Error(`nothing at ${path}: ${response.status} ${await response.text()}`)
  return (await response.json<{ id: string }>()).id
}
