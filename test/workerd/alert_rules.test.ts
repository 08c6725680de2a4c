import { env } from 'cloudflare:test'
import { eq, inArray } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AlertGroupState } from '../../src/core/alerts.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import { alertHistoryKeptMs, alertRulesPerOrganizationMax } from '../../src/core/limits.ts'
import { alertHistory, alertNotifications, alertRules, notificationChannels, silences } from '../../src/db/schema_alerts.ts'
import type { AlertJson } from '../../src/features/alerts/schema.ts'
import { forgetOldAlerts } from '../../src/jobs/forget_alerts.ts'
import { definitionOf } from '../support/alert_rows.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { ask, auditOf } from './content_world.ts'

const path = '/api/v1/alerts'
const { db, newId } = testCtx()
const definition = { q: 'level:error', threshold: 10, by: ['source'], severity: 'critical' }

let world: World
beforeAll(async () => {
  world = await createWorld()
})

async function made(json: object = {}, of = world): Promise<AlertJson> {
  const { status, body } = await ask<AlertJson>(of, 'POST', path, { json: { name: 'Errors', definition, ...json } })
  expect([status, body]).toMatchObject([201, {}])
  return body
}

async function addChannel(of: World): Promise<string> {
  const id = newId()
  const at = Date.now()
  await db.insert(notificationChannels).values({
    organizationId: of.organizationId,
    id,
    name: 'Mail',
    kind: 'email',
    config: { to: [] },
    createdBy: of.owner.userId,
    createdAt: at,
    updatedAt: at,
  })
  return id
}

/** What an evaluation would write: one group that fires, one that waits, one at rest. */
async function evaluated(id: string): Promise<void> {
  const group = (source: string, state: AlertGroupState['state']): AlertGroupState => {
    return { key: { source }, state, since_ms: 1_000, seen_ms: 2_000, value: 12, told: 'none', told_ms: null }
  }
  await db
    .update(alertRules)
    .set({
      state: 'firing',
      stateSince: 1_000,
      evaluatedTo: 2_000,
      evaluatedAt: 2_500,
      evaluationMs: 7,
      leaseId: 'somebody',
      leaseUntil: 9_000,
      groups: [group('api', 'firing'), group('web', 'pending'), group('old', 'inactive')],
    })
    .where(eq(alertRules.id, id))
}

describe('an alert rule', () => {
  it('is kept as it was given with what was left out, and has not been evaluated', async () => {
    const { status, body, headers } = await ask<AlertJson>(world, 'POST', path, { json: { name: ' Shop ', definition } })
    expect([status, headers.get('Location'), headers.get('ETag')]).toEqual([201, `${path}/${body.id}`, '"1"'])
    expect(body).toEqual({
      id: body.id,
      name: 'Shop',
      enabled: true,
      state: 'inactive',
      state_since: null,
      silenced: false,
      last_evaluation: null,
      error: null,
      failures: 0,
      created_by: world.owner.userId,
      created_at: body.created_at,
      updated_at: body.created_at,
      condition: 'count() by source > 10 within 5m',
      definition: definitionOf(definition),
      groups: [],
      groups_truncated: false,
    })
    const got = await ask<AlertJson>(world, 'GET', `${path}/${body.id}`)
    expect([got.body, got.headers.get('ETag')]).toEqual([body, '"1"'])
  })

  it('shows where it and its groups stand, under the same tag', async () => {
    const { id, updated_at } = await made()
    await evaluated(id)
    const { body, headers } = await ask<AlertJson>(world, 'GET', `${path}/${id}`)
    expect(headers.get('ETag')).toBe('"1"')
    const since = '1970-01-01T00:00:01.000Z'
    expect(body).toMatchObject({
      state: 'firing',
      state_since: since,
      last_evaluation: { to: '1970-01-01T00:00:02.000Z', at: '1970-01-01T00:00:02.500Z', ms: 7 },
      groups: [
        { group: { source: 'api' }, state: 'firing', value: 12, since },
        { group: { source: 'web' }, state: 'pending', value: 12, since },
        { group: { source: 'old' }, state: 'inactive', value: 12, since },
      ],
      updated_at,
    })
    expect(JSON.stringify(body)).not.toContain('somebody')
  })

  it('is changed only as it was seen, where If-Match says so, and each change is a new version', async () => {
    const { id } = await made()
    const item = `${path}/${id}`
    const change = (method: string, json: object, tag: string) =>
      ask<AlertJson>(world, method, item, { json, headers: { 'If-Match': tag } })
    const first = await change('PATCH', { name: 'Other' }, '"1"')
    expect([first.status, first.body.name, first.headers.get('ETag')]).toEqual([200, 'Other', '"2"'])
    expect((await change('PATCH', { name: 'Late' }, '"1"')).status).toBe(412)
    const whole = await change('PUT', { name: 'Whole', definition: { threshold: 1 } }, '"2"')
    expect([whole.status, whole.body.definition, whole.body.enabled]).toEqual([200, definitionOf({ threshold: 1 }), true])
    const same = await change('PATCH', { name: 'Whole' }, '"3"')
    expect([same.status, same.headers.get('ETag'), same.body.updated_at]).toEqual([200, '"3"', whole.body.updated_at])
    expect((await ask(world, 'DELETE', item, { headers: { 'If-Match': '"2"' } })).status).toBe(412)
    expect((await ask(world, 'DELETE', item, { headers: { 'If-Match': '"3"' } })).status).toBe(204)
    expect((await ask(world, 'GET', item)).status).toBe(404)
  })

  it('keeps where it stands when it is changed', async () => {
    const { id } = await made()
    await evaluated(id)
    const { body } = await ask<AlertJson>(world, 'PATCH', `${path}/${id}`, { json: { definition: { ...definition, threshold: 20 } } })
    expect(body).toMatchObject({ state: 'firing', groups: [{ state: 'firing' }, { state: 'pending' }, { state: 'inactive' }] })
    const [row] = await db.select().from(alertRules).where(eq(alertRules.id, id))
    expect(row).toMatchObject({ version: 2, intervalSeconds: 60, delaySeconds: 30, leaseId: 'somebody' })
  })

  it('forgets where it stood when it is turned off, which its history tells', async () => {
    const { id } = await made()
    await evaluated(id)
    const { body } = await ask<AlertJson>(world, 'PATCH', `${path}/${id}`, { json: { enabled: false } })
    expect(body).toMatchObject({ enabled: false, state: 'inactive', last_evaluation: null, groups: [] })
    const [row] = await db.select().from(alertRules).where(eq(alertRules.id, id))
    expect(row).toMatchObject({ leaseId: null, leaseUntil: 0, evaluatedTo: null, stateSince: Date.parse(body.updated_at) })
    const history = await ask(world, 'GET', `${path}/${id}/history`)
    const told = { to: 'inactive', detail: 'the rule was turned off', silenced: false, value: 12, at: body.updated_at }
    expect(history.body).toMatchObject({
      count: 2,
      results: [
        { group: { source: 'web' }, from: 'pending', ...told },
        { group: { source: 'api' }, from: 'firing', ...told },
      ],
    })
    // Turned on and off again, there is nothing more to tell.
    await ask(world, 'PATCH', `${path}/${id}`, { json: { enabled: true } })
    await ask(world, 'PATCH', `${path}/${id}`, { json: { enabled: false } })
    expect((await ask(world, 'GET', `${path}/${id}/history`)).body).toMatchObject({ count: 2 })
  })

  it('names only channels that the organization has, at the moment when it is stored', async () => {
    const [own, foreign] = [await addChannel(world), await addChannel(await createWorld())]
    const of = (...ids: string[]) => ({ name: 'x', definition: { ...definition, channel_ids: ids } })
    const refused = await ask(world, 'POST', path, { json: of(own, foreign) })
    expect([refused.status, refused.body]).toMatchObject([
      400,
      { details: { 'definition.channel_ids': [`must be channels of the organization: ${foreign} is none`] } },
    ])
    const { id } = await made(of(own))
    expect((await ask(world, 'PATCH', `${path}/${id}`, { json: of(foreign) })).status).toBe(400)
    // A channel that went away otherwise: any change has to leave it out.
    await db.delete(notificationChannels).where(eq(notificationChannels.id, own))
    expect((await ask(world, 'PATCH', `${path}/${id}`, { json: { name: 'y' } })).status).toBe(400)
    expect((await ask(world, 'PATCH', `${path}/${id}`, { json: of() })).status).toBe(200)
  })

  it('takes its own silences with it, and none of others', async () => {
    const [{ id }, other] = [await made(), await made()]
    for (const rule of [id, other.id]) await ask(world, 'POST', `${path}/${rule}/silence`, { json: { duration_minutes: 5 } })
    expect((await ask(world, 'DELETE', `${path}/${id}`)).status).toBe(204)
    const left = await db
      .select({ ruleId: silences.ruleId })
      .from(silences)
      .where(inArray(silences.ruleId, [id, other.id]))
    expect(left).toEqual([{ ruleId: other.id }])
  })

  it('is one of so many and no more', async () => {
    const full = await createWorld()
    await env.DB.prepare(
      `insert into alert_rules (organization_id, id, name, enabled, interval_seconds, delay_seconds, version, created_by, created_at, updated_at, definition)
       with recursive n(i) as (select 1 union all select i + 1 from n where i < ?1) select ?2, 'fill ' || i, 'x', 0, 60, 0, 1, 'x', 0, 0, '{}' from n`,
    )
      .bind(alertRulesPerOrganizationMax - 1, full.organizationId)
      .run()
    await made({}, full)
    const refused = await ask(full, 'POST', path, { json: { name: 'One more', definition } })
    expect([refused.status, refused.body]).toMatchObject([409, { detail: expect.stringContaining('1000 alert rules') as string }])
    await db.delete(alertRules).where(eq(alertRules.organizationId, full.organizationId))
  })
})

it('the list of rules is searched, filtered and ordered, and tells which are silenced', async () => {
  const own = await createWorld()
  const { id } = await made({ name: 'b fires' }, own)
  await evaluated(id)
  await made({ name: 'a waits', definition: { threshold: 1, description: 'The shop' } }, own)
  await made({ name: 'C is off', enabled: false }, own)
  await ask(own, 'POST', `${path}/${id}/silence`, { json: { duration_minutes: 5 } })
  const listed = async (query: string) => {
    const { status, body } = await ask<{ count: number; results: { name: string }[] }>(own, 'GET', `${path}?${query}`)
    return status === 200 ? [body.count, ...body.results.map(({ name }) => name)] : status
  }
  expect(await listed('')).toEqual([3, 'C is off', 'a waits', 'b fires'])
  expect(await listed('ordering=-created_at&page_size=2')).toEqual([3, 'C is off', 'a waits'])
  expect(await listed('search=SHOP')).toEqual([1, 'a waits'])
  expect(await listed('search=fires')).toEqual([1, 'b fires'])
  expect(await listed('state=firing')).toEqual([1, 'b fires'])
  expect(await listed('severity=error')).toEqual([1, 'a waits'])
  expect(await listed('enabled=false')).toEqual([1, 'C is off'])
  expect(await listed('enabled=maybe')).toBe(400)
  const { body } = await ask<{ results: object[] }>(own, 'GET', `${path}?state=firing`)
  expect(body.results).toMatchObject([
    { silenced: true, firing_groups: 1, severity: 'critical', condition: 'count() by source > 10 within 5m' },
  ])
  expect(body.results[0]).not.toHaveProperty('definition')
})

it('the audit log tells of rules what changed', async () => {
  const own = await createWorld()
  const { id } = await made({}, own)
  await ask(own, 'PATCH', `${path}/${id}`, { json: { enabled: false, definition: { ...definition, threshold: 11 } } })
  await ask(own, 'DELETE', `${path}/${id}`)
  const [created, updated, deleted, ...more] = await auditOf(own, 'alert')
  expect(more).toEqual([])
  expect(created).toMatchObject({ action: 'alert.create', details: { name: 'Errors', threshold: 10 } })
  expect(updated).toMatchObject({
    action: 'alert.update',
    changes: { enabled: { before: true, after: false }, threshold: { before: 10, after: 11 } },
  })
  expect(Object.keys(updated?.changes ?? {})).toEqual(['enabled', 'threshold'])
  expect(deleted).toMatchObject({ action: 'alert.delete', actorId: own.owner.userId, details: { threshold: 11 } })
})

describe('the history of a rule', () => {
  const moment = Date.parse('2026-06-01T12:00:00Z')

  it('comes newest first, by time and by state', async () => {
    const { id } = await made()
    const entry = (minutes: number, toState: 'firing' | 'inactive') => {
      const at = moment + minutes * 60_000
      const common = { organizationId: world.organizationId, ruleId: id, group: {}, fromState: 'pending', value: minutes } as const
      return { ...common, id: uuidv7(at + 500), at, toState, createdAt: at + 500 }
    }
    await db.insert(alertHistory).values([entry(0, 'firing'), entry(1, 'inactive'), entry(2, 'firing')])
    const values = async (query: string) => {
      const { body } = await ask<{ count: number; results: { value: number }[] }>(world, 'GET', `${path}/${id}/history?${query}`)
      return [body.count, ...body.results.map(({ value }) => value)]
    }
    expect(await values('')).toEqual([3, 2, 1, 0])
    expect(await values('page_size=1&page=2')).toEqual([3, 1])
    expect(await values('state=firing')).toEqual([2, 2, 0])
    expect(await values('from=2026-06-01T12:01:00Z')).toEqual([2, 2, 1])
    expect(await values('to=2026-06-01T12:01:00%2B00:00')).toEqual([1, 0])
    const { body } = await ask<{ results: object[] }>(world, 'GET', `${path}/${id}/history?page_size=1`)
    expect(body).toMatchObject({ count_is_lower_bound: false, previous: null, next: expect.stringContaining('page=2') as string })
    expect(body.results[0]).toMatchObject({ at: '2026-06-01T12:02:00.000Z', created_at: '2026-06-01T12:02:00.500Z', to: 'firing' })
  })

  it('is read by the primary key', async () => {
    const { results } = await env.DB.prepare(
      `explain query plan select * from alert_history where organization_id = ? and rule_id = ? and id >= ? order by id desc limit 10`,
    )
      .bind('o', 'r', '0')
      .all<{ detail: string }>()
    expect(results.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SEARCH .*organization_id=\? AND rule_id=\? AND id>\?/)])
  })

  it('ends with what was told, and with silences, when they are old', async () => {
    const own = await createWorld()
    const { organizationId } = own
    const ruleId = newId()
    const before = moment - alertHistoryKeptMs
    const common = { organizationId, ruleId, group: {}, fromState: 'inactive', toState: 'firing', at: 0 } as const
    const notice = { organizationId, ruleId, channelId: 'c', kind: 'firing', status: 'sent', nextAttemptAt: 0, notice: {} } as const
    const silence = { organizationId, comment: '', startsAt: 0, createdBy: 'u', createdAt: 0, updatedAt: 0 }
    for (const createdAt of [before - 1, before]) {
      await db.batch([
        db.insert(alertHistory).values({ ...common, id: newId(), createdAt }),
        db.insert(alertNotifications).values({ ...notice, id: newId(), createdAt, updatedAt: createdAt }),
        db.insert(silences).values({ ...silence, id: newId(), endsAt: createdAt + 1 }),
      ])
    }
    await db.insert(silences).values({ ...silence, id: newId(), endsAt: null })
    await forgetOldAlerts({ ...testCtx(), now: () => moment })
    const left = async (table: typeof alertHistory | typeof alertNotifications | typeof silences) =>
      db.$count(table, eq(table.organizationId, organizationId))
    expect([await left(alertHistory), await left(alertNotifications), await left(silences)]).toEqual([1, 1, 2])
  })
})
