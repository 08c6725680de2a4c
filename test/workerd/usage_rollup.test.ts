import { env } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { dateOf, dayOf } from '../../src/core/calendar.ts'
import { shardName } from '../../src/core/ids.ts'
import { rollUpUsage } from '../../src/jobs/usage_rollup.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { withJobs } from './control_world.ts'

/** Yesterday to tomorrow: midnight may pass between what a test sends and what it asks. */
function daysAround() {
  const today = dayOf(Date.now())
  return { from_day: dateOf(today - 1), to_day: dateOf(today + 1) }
}

/** The id before another one in the order of ids: the round begins behind it. */
function before(id: string): string {
  return id.slice(0, -1) + String.fromCharCode(id.charCodeAt(id.length - 1) - 1)
}

it('an account sees what its organizations sent, as the last round wrote it down', async () => {
  const world = await createWorld()
  const { key } = await world.createKey('ingest')
  const usage = async (query = '') => {
    const reply = await world.call(`/api/v1/accounts/${world.accountId}/usage${query}`, { as: world.owner.accessToken })
    const body = await reply.json<{ days: { day: string }[]; organizations: unknown[]; rolled_up_at: string | null }>()
    return { status: reply.status, body }
  }
  const round = (ctx = withJobs().ctx) => rollUpUsage(ctx, { kind: 'usage', ...daysAround(), after: before(world.organizationId) })

  expect(await usage()).toMatchObject({ status: 200, body: { days: [], organizations: [], rolled_up_at: null } })
  const sentFrom = dateOf(dayOf(Date.now()))
  await world.call('/api/v1/logs', { as: key, json: [{ message: 'one' }, { message: 'two' }, 7] })
  const sentTo = dateOf(dayOf(Date.now()))
  await round()
  const first = await usage()
  const volumes = { received: { rows: 3 }, stored: { rows: 2 } }
  expect(first.body).toMatchObject({
    days: [volumes],
    organizations: [{ id: world.organizationId, name: 'Test', ...volumes }],
  })
  expect([sentFrom, sentTo]).toContain(first.body.days[0]?.day)

  // A round that is repeated writes nothing; one of later counts more.
  await round({ ...withJobs().ctx, now: () => Date.now() + 60_000 })
  expect((await usage()).body).toMatchObject({
    days: first.body.days,
    organizations: first.body.organizations,
    rolled_up_at: first.body.rolled_up_at,
  })
  await world.call('/api/v1/logs', { as: key, json: [{ message: 'three' }] })
  await round()
  expect((await usage()).body).toMatchObject({ organizations: [{ received: { rows: 4 }, stored: { rows: 3 } }] })
  expect((await usage('?from=2026-01-01&to=2026-01-31')).body).toMatchObject({ from: '2026-01-01', days: [] })
  expect((await usage('?from=2026-02-01&to=2026-01-31')).status).toBe(400)
})

it('a round goes on behind an organization whose shard fails, and skips deleted ones', async () => {
  const [broken, deleted, whole] = [await createWorld(), await createWorld(), await createWorld()]
  for (const world of [broken, deleted, whole]) {
    const { key } = await world.createKey('ingest')
    await world.call('/api/v1/logs', { as: key, json: [{ message: 'one' }] })
  }
  await env.DB.prepare('UPDATE organizations SET deleted_at = 1 WHERE id = ?').bind(deleted.organizationId).run()
  const badName = shardName({ organizationId: broken.organizationId, region: 'weur', shard: 0 })
  const shards = {
    getByName: (name: string) => {
      if (name === badName) throw new Error('no answer')
      return env.LOG_SHARD.getByName(name)
    },
  }
  const { ctx } = withJobs()
  const failing = new Proxy(ctx.env, { get: (from, name) => (name === 'LOG_SHARD' ? shards : (Reflect.get(from, name) as unknown)) })
  const after = before([broken, deleted, whole].map(({ organizationId }) => organizationId).toSorted()[0]!)
  await rollUpUsage({ ...ctx, env: failing }, { kind: 'usage', ...daysAround(), after })
  const { results } = await testCtx()
    .env.DB.prepare('SELECT organization_id FROM usage_days WHERE organization_id IN (?, ?, ?)')
    .bind(broken.organizationId, deleted.organizationId, whole.organizationId)
    .all()
  expect(results).toEqual([{ organization_id: whole.organizationId }])
})
