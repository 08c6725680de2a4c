import { env } from 'cloudflare:test'
import { and, eq, isNull } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { silencesEndedKeptMax, silencesPerOrganizationMax, silencesRemovedRows } from '../../src/core/limits.ts'
import { silences } from '../../src/db/schema_alerts.ts'
import { isSilenced, liveSilences } from '../../src/features/silences/active.ts'
import { createSilence } from '../../src/features/silences/create.ts'
import type { SilenceJson } from '../../src/features/silences/schema.ts'
import { updateSilence } from '../../src/features/silences/update.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { ask, auditOf } from './content_world.ts'
import { ownerWithJobs } from './control_world.ts'

const path = '/api/v1/silences'
const { db, newId } = testCtx()
const hour = 3_600_000
const later = (ms: number) => new Date(Date.now() + ms).toISOString()
const nights = { cron: '0 2 * * *', time_zone: 'Europe/Berlin', duration_minutes: 60 }

let world: World
let ruleId: string
beforeAll(async () => {
  world = await createWorld()
  ruleId = await makeRule(world)
})

async function makeRule(of: World): Promise<string> {
  return (await ask<{ id: string }>(of, 'POST', '/api/v1/alerts', { json: { name: 'Errors', definition: { threshold: 1 } } })).body.id
}

const post = (json: object, of = world) => ask<SilenceJson & { details: object; detail: string }>(of, 'POST', path, { json })

describe('a silence', () => {
  it('holds from now on unless it says otherwise, and shows until when', async () => {
    const endsAt = later(hour)
    const { status, body, headers } = await post({ rule_id: ruleId, comment: ' Deployment ', ends_at: endsAt })
    expect([status, headers.get('Location')]).toEqual([201, `${path}/${body.id}`])
    expect(body).toEqual({
      id: body.id,
      rule_id: ruleId,
      comment: 'Deployment',
      starts_at: body.created_at,
      ends_at: endsAt,
      recurrence: null,
      active: true,
      active_until: endsAt,
      next_start: null,
      created_by: world.owner.userId,
      created_at: body.created_at,
      updated_at: body.created_at,
    })
    expect((await ask(world, 'GET', `${path}/${body.id}`)).body).toEqual(body)
  })

  it('of one rule is made in short, for a time or until then', async () => {
    const short = await ask<SilenceJson>(world, 'POST', `/api/v1/alerts/${ruleId}/silence`, { json: { duration_minutes: 90 } })
    expect([short.status, short.body]).toMatchObject([201, { rule_id: ruleId, active: true, comment: '' }])
    expect(Date.parse(short.body.ends_at ?? '') - Date.parse(short.body.starts_at)).toBe(1.5 * hour)
    const until = later(hour)
    const other = await ask<SilenceJson>(world, 'POST', `/api/v1/alerts/${ruleId}/silence`, { json: { until, comment: 'x' } })
    expect(other.body).toMatchObject({ ends_at: until, comment: 'x' })
  })

  it.each<[string, object]>([
    ['neither', {}],
    ['both', { duration_minutes: 1, until: '2999-01-01T00:00:00Z' }],
    ['a time that has passed', { until: '2026-01-01T00:00:00Z' }],
    ['more than a year', { until: '2999-01-01T00:00:00Z' }],
    ['no minute', { duration_minutes: 0 }],
  ])('of one rule is refused with %s', async (_, json) => {
    expect((await ask(world, 'POST', `/api/v1/alerts/${ruleId}/silence`, { json })).status).toBe(400)
  })

  it.each<[string, object, string]>([
    ['no end', {}, 'ends_at'],
    ['an end that has passed', { starts_at: '2026-01-01T00:00:00Z', ends_at: '2026-01-01T01:00:00Z' }, 'ends_at'],
    ['an end before its start', { starts_at: '2999-01-01T00:00:00Z', ends_at: '2998-01-01T00:00:00Z' }, 'starts_at'],
    ['more than a year', { ends_at: '2999-01-01T00:00:00Z' }, 'ends_at'],
    ['a rule that there is not', { rule_id: '01923f00-0000-7000-8000-00000000000a', ends_at: later(hour) }, 'rule_id'],
    ['a cron expression of seconds', { recurrence: { ...nights, cron: '* * * * * *' } }, 'recurrence.cron'],
    ['a time zone of another planet', { recurrence: { ...nights, time_zone: 'Mars/Olympus' } }, 'recurrence.time_zone'],
    ['windows of more than a day', { recurrence: { ...nights, duration_minutes: 1441 } }, 'recurrence.duration_minutes'],
  ])('is refused with %s', async (_, json, field) => {
    const { status, body } = await post(json)
    expect([status, Object.keys(body.details)]).toEqual([400, [field]])
  })

  it('is not for a rule of others', async () => {
    const foreign = await makeRule(await createWorld())
    expect((await post({ rule_id: foreign, ends_at: later(hour) })).status).toBe(400)
    expect((await ask(world, 'POST', `/api/v1/alerts/${foreign}/silence`, { json: { duration_minutes: 1 } })).status).toBe(404)
  })

  it('that recurs goes on for ever, and shows its next window', async () => {
    const { body } = await post({ recurrence: nights, comment: 'Backups' })
    expect(body).toMatchObject({ ends_at: null, recurrence: nights })
    const when = body.active ? body.active_until : body.next_start
    expect(Date.parse(when ?? '')).toBeGreaterThan(Date.now())
    // Whether or not that is now: in any case the clock of Berlin shows two or three then.
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', timeStyle: 'short' }).format(new Date(when ?? ''))
    expect(clock).toBe(body.active ? '03:00' : '02:00')
  })

  it('is changed, ended and deleted', async () => {
    const { body: once } = await post({ ends_at: later(hour) })
    const item = `${path}/${once.id}`
    const patch = (json: object) => ask<SilenceJson>(world, 'PATCH', item, { json })
    expect((await patch({ ends_at: later(2 * hour), comment: 'longer' })).body).toMatchObject({ comment: 'longer', active: true })
    expect((await patch({ recurrence: nights })).status).toBe(409)
    expect((await patch({ ends_at: null })).status).toBe(400)
    expect((await patch({ rule_id: ruleId })).status).toBe(400)
    const over = await patch({ starts_at: later(-hour), ends_at: later(-1) })
    expect(over.body).toMatchObject({ active: false, active_until: null, next_start: null })
    expect((await ask(world, 'DELETE', item)).status).toBe(204)
    expect((await ask(world, 'GET', item)).status).toBe(404)
    expect((await auditOf(world, 'silence')).slice(-3)).toMatchObject([
      { action: 'silence.update', changes: { comment: { before: '', after: 'longer' } } },
      { action: 'silence.update' },
      { action: 'silence.delete', details: { comment: 'longer' } },
    ])
  })
})

it('the list of silences tells which are over, and which are for a rule', async () => {
  const own = await createWorld()
  const [mine, others] = [await makeRule(own), await makeRule(own)]
  await post({ comment: 'all', ends_at: later(hour) }, own)
  await post({ comment: 'mine', rule_id: mine, ends_at: later(2 * hour) }, own)
  await post({ comment: 'others', rule_id: others, starts_at: later(hour), ends_at: later(3 * hour) }, own)
  const past = { organizationId: own.organizationId, createdBy: 'u', createdAt: 0, updatedAt: 0 }
  await db.insert(silences).values({ ...past, id: newId(), comment: 'over', startsAt: 0, endsAt: 1 })
  const listed = async (query: string) => {
    const { body } = await ask<{ count: number; results: SilenceJson[] }>(own, 'GET', `${path}?${query}`)
    return [body.count, ...body.results.map(({ comment, active }) => `${comment} ${active}`)]
  }
  expect(await listed('')).toEqual([4, 'others false', 'mine true', 'all true', 'over false'])
  expect(await listed('ended=false&ordering=ends_at')).toEqual([3, 'all true', 'mine true', 'others false'])
  expect(await listed('ended=true')).toEqual([1, 'over false'])
  expect(await listed(`rule_id=${mine}&ended=false`)).toEqual([2, 'mine true', 'all true'])
  expect(await listed('search=OTHER')).toEqual([1, 'others false'])
})

describe('what the evaluation is told of silences', () => {
  it('are those of the organization that are not over', async () => {
    const own = await createWorld()
    const [mine, others] = [await makeRule(own), await makeRule(own)]
    await post({ rule_id: mine, ends_at: later(hour) }, own)
    await db.insert(silences).values({
      organizationId: own.organizationId,
      id: newId(),
      comment: 'over',
      startsAt: 0,
      endsAt: 1,
      createdBy: 'u',
      createdAt: 0,
      updatedAt: 0,
    })
    const { ctx } = ownerWithJobs(own)
    const rows = await liveSilences(ctx)
    expect(rows).toHaveLength(1)
    const now = Date.now() + 1
    expect([isSilenced(rows, mine, now), isSilenced(rows, others, now), isSilenced(rows, mine, now + hour)]).toEqual([true, false, false])
  })

  it('are bounded, and so are those that are over', async () => {
    const own = await createWorld()
    const { organizationId } = own
    const { ctx } = ownerWithJobs(own)
    const fill = (count: number, endsAt: (i: number) => number | null) =>
      env.DB.prepare(
        `insert into silences (organization_id, id, comment, starts_at, ends_at, created_by, created_at, updated_at)
         select ?1, value ->> 'id', '', 0, value ->> 'ends_at', 'u', 0, 0 from json_each(?2)`,
      )
        .bind(organizationId, JSON.stringify(Array.from({ length: count }, (_, i) => ({ id: newId(), ends_at: endsAt(i) }))))
        .run()
    await fill(silencesPerOrganizationMax - 1, () => null)
    await fill(silencesEndedKeptMax + 5, (i) => 1_000 + i)
    const input = { rule_id: null, comment: '', starts_at: null, ends_at: later(hour), recurrence: null }
    await createSilence(ctx, input)
    const full = { code: 'conflict', message: expect.stringContaining('at most') as string }
    await expect(createSilence(ctx, input)).rejects.toMatchObject(full)
    expect(silencesRemovedRows).toBeGreaterThan(5)
    const ended = await db
      .select({ endsAt: silences.endsAt })
      .from(silences)
      .where(and(eq(silences.organizationId, organizationId), eq(silences.comment, '')))
    const old = ended.map(({ endsAt }) => endsAt ?? Infinity).filter((endsAt) => endsAt < 1e9)
    expect([old.length, Math.min(...old)]).toEqual([silencesEndedKeptMax, 1_005])

    // Nor does one that is over come back without room; one that lives is changed all the same.
    const oneThat = async (condition: SQL) => {
      const [row] = await db
        .select({ id: silences.id })
        .from(silences)
        .where(and(eq(silences.organizationId, organizationId), condition))
        .limit(1)
      return row?.id ?? ''
    }
    const [over, live] = [await oneThat(eq(silences.endsAt, 1_005)), await oneThat(isNull(silences.endsAt))]
    await expect(updateSilence(ctx, over, { starts_at: later(0), ends_at: later(hour) })).rejects.toMatchObject(full)
    expect(await updateSilence(ctx, over, { comment: 'still over' })).toMatchObject({ endsAt: 1_005 })
    expect(await updateSilence(ctx, live, { ends_at: new Date(2_000).toISOString() })).toMatchObject({ endsAt: 2_000 })
    const until = later(hour)
    expect(await updateSilence(ctx, over, { starts_at: later(0), ends_at: until })).toMatchObject({ endsAt: Date.parse(until) })
  })
})
