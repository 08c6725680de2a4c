import { and, eq } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import type { MailParams } from '../../src/core/mails.ts'
import { mailParamsOf } from '../../src/db/mails.ts'
import { memberships, organizations, users } from '../../src/db/schema.ts'
import { alertHistory } from '../../src/db/schema_alerts.ts'
import { mails } from '../../src/db/schema_content.ts'
import { usageDays } from '../../src/db/schema_jobs.ts'
import { startDigests } from '../../src/jobs/digest.ts'
import { row } from '../support/rows.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { addRule } from './alert_world.ts'
import { deliver, withJobs } from './control_world.ts'
import { storeRows } from './log_store.ts'

const db = testCtx().db
const week = '2026-11-08'
/** Monday behind that week in UTC, seven minutes past eight, when the schedule comes. */
const monday = '2026-11-16T08:07:00Z'

function at(time: string): ReturnType<typeof withJobs> {
  return withJobs({ ...testCtx(), now: () => Date.parse(time) })
}

/** An organization with three logs in the week and one before, of which the roll-up knows. */
async function loggingWorld(): Promise<World> {
  const world = await createWorld()
  const log = (day: string, severity: number, source: string, message: string) =>
    row({ timestampMs: Date.parse(`${day}T10:00:00Z`), severity, source, message })
  await storeRows(world, [
    log('2026-11-07', 2, 'web', 'the week before'),
    log('2026-11-08', 2, 'web', 'request 1 completed'),
    log('2026-11-14', 4, 'web', 'cannot connect to port 5432'),
    log('2026-11-14', 4, 'db', 'cannot connect to port 5433'),
    log('2026-11-15', 2, 'web', 'the week behind'),
  ])
  const counts = { receivedRows: 3, receivedBytes: 3000, storedRows: 3, storedBytes: 2000 }
  await db.insert(usageDays).values({ organizationId: world.organizationId, day: '2026-11-10', ...counts, updatedAt: 0 })
  return world
}

async function digestsOf({ organizationId }: World): Promise<{ to: string; params: MailParams<'weekly_digest'> }[]> {
  const rows = await db
    .select()
    .from(mails)
    .where(and(eq(mails.ownerId, organizationId), eq(mails.kind, 'weekly_digest')))
  return rows.map((mail) => ({ to: mail.recipient, params: mailParamsOf(testCtx(), mail) as MailParams<'weekly_digest'> }))
}

/** The jobs that the schedule sends for an organization, and their work. */
async function runFor(world: World, time: string): Promise<number> {
  const { ctx, sent } = at(time)
  await startDigests(ctx)
  const own = sent.filter(({ job }) => job.kind === 'digest' && job.organization_id === world.organizationId)
  for (const { job } of own) expect(await deliver(ctx, job)).toBe('acked')
  return own.length
}

const zoneOf = (userId: string, timeZone: string) => db.update(users).set({ timeZone }).where(eq(users.id, userId))

describe('the weekly digest', () => {
  let world: World
  beforeAll(async () => {
    world = await loggingWorld()
  })

  it('tells each member on Monday at eight of the own time zone, once, what happened in the week', async () => {
    const tokyo = await world.addMember('viewer')
    const la = await world.addMember('member')
    await zoneOf(tokyo.userId, 'Asia/Tokyo')
    await zoneOf(la.userId, 'America/Los_Angeles')
    const rule = await addRule(world, { threshold: 1 })
    const fired = {
      organizationId: world.organizationId,
      ruleId: rule,
      group: {},
      fromState: 'inactive',
      toState: 'firing',
      createdAt: 0,
    } as const
    for (const day of ['2026-11-07', '2026-11-09', '2026-11-13'])
      await db.insert(alertHistory).values({ ...fired, id: testCtx().newId(), at: Date.parse(day) })
    const recipients = async () => (await digestsOf(world)).map(({ to }) => to).toSorted()

    expect(await runFor(world, '2026-11-15T22:07:00Z')).toBe(0)
    expect(await runFor(world, '2026-11-15T23:07:00Z')).toBe(1)
    expect(await recipients()).toEqual([tokyo.email])
    expect(await runFor(world, '2026-11-16T00:07:00Z')).toBe(0)
    expect(await runFor(world, monday)).toBe(1)
    expect(await recipients()).toEqual([tokyo.email, world.owner.email].toSorted())
    // A run that comes late catches up within the day.
    expect(await runFor(world, '2026-11-17T04:37:00Z')).toBe(1)
    expect(await recipients()).toEqual([tokyo.email, la.email, world.owner.email].toSorted())
    expect(await runFor(world, '2026-11-17T06:07:00Z')).toBe(0)

    const [first, ...others] = await digestsOf(world)
    for (const { params } of others) expect(params).toEqual(first?.params)
    expect(first?.params).toMatchObject({
      organization_name: 'Test',
      from_day: '2026-11-08',
      to_day: '2026-11-15',
      rows: 3,
      bytes: 2000,
      rows_before: 1,
      by_day: [
        { day: '2026-11-08', rows: 1 },
        { day: '2026-11-14', rows: 2 },
      ],
      by_severity: [
        { severity: 'ERROR', rows: 2 },
        { severity: 'INFO', rows: 1 },
      ],
      top_sources: [
        { source: 'web', rows: 2 },
        { source: 'db', rows: 1 },
      ],
      alerts: [{ name: 'Errors', fired: 2, state: 'inactive' }],
      partial: false,
    })
    expect(first?.params.top_errors).toMatchObject([{ rows: 2 }])
    expect(first?.params.logs_url).toContain('from=2026-11-08T00%3A00%3A00.000Z&to=2026-11-15T00%3A00%3A00.000Z')
  })

  it('is written once when its message comes twice at a time, and not when Monday is over', async () => {
    const other = await loggingWorld()
    const { ctx, mails: queued } = at(monday)
    const job = { kind: 'digest', organization_id: other.organizationId, week }
    const late = at('2026-11-18T08:07:00Z').ctx
    expect(await deliver(late, job)).toBe('acked')
    expect(await digestsOf(other)).toEqual([])
    await Promise.all([deliver(ctx, job), deliver(ctx, job)])
    expect(await digestsOf(other)).toHaveLength(1)
    expect(queued.map(({ job: mail }) => mail.kind)).toContain('weekly_digest')
  })

  it('spares who turned it off, has not confirmed the e-mail, left or was deleted', async () => {
    const other = await loggingWorld()
    const change = async (values: Partial<typeof users.$inferInsert>) => {
      const person = await other.addMember('viewer')
      await db.update(users).set(values).where(eq(users.id, person.userId))
      return person
    }
    await change({ notificationPreferences: { weekly_digest: false } })
    await change({ emailVerifiedAt: null })
    await change({ deletedAt: 1 })
    const gone = await other.addMember('viewer')
    await db.delete(memberships).where(eq(memberships.userId, gone.userId))
    const told = await change({ notificationPreferences: { weekly_digest: true, alerts: false } })
    await runFor(other, monday)
    expect((await digestsOf(other)).map(({ to }) => to).toSorted()).toEqual([told.email, other.owner.email].toSorted())
  })

  it('is not written for an organization without logs and alerts, nor for a deleted one', async () => {
    const quiet = await createWorld()
    expect(await runFor(quiet, monday)).toBe(0)
    expect(await deliver(at(monday).ctx, { kind: 'digest', organization_id: quiet.organizationId, week })).toBe('acked')
    expect(await digestsOf(quiet)).toEqual([])
    const deleted = await loggingWorld()
    await db.update(organizations).set({ deletedAt: 1 }).where(eq(organizations.id, deleted.organizationId))
    expect(await runFor(deleted, monday)).toBe(0)
    expect(await deliver(at(monday).ctx, { kind: 'digest', organization_id: deleted.organizationId, week })).toBe('acked')
    expect(await digestsOf(deleted)).toEqual([])
  })
})
