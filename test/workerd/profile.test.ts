import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { accountPermissions, permissions } from '../../src/core/permissions.ts'
import { accounts, memberships, organizations, users } from '../../src/db/schema.ts'
import { accountEntriesOf } from '../support/account_entries.ts'
import { problemOf } from '../support/app.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

const path = '/api/v1/auth/me'

const patch = ({ call, owner }: World, json: unknown) => call(path, { method: 'PATCH', as: owner.accessToken, json })
const mine = async ({ call, owner }: World) => (await call(path, { as: owner.accessToken })).json<Record<string, unknown>>()

const profile = {
  name: 'Ann',
  first_name: 'Anna',
  last_name: 'Müller',
  phone: '+4915112345678',
  birth_date: '1990-02-28',
  locale: 'de-CH',
  time_zone: 'Europe/Zurich',
}

describe('the own profile', () => {
  it('shows the person, what the person manages, and no secret', async () => {
    const world = await createWorld()
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string
    expect(await mine(world)).toEqual({
      id: world.owner.userId,
      account_id: world.accountId,
      email: world.owner.email,
      email_verified: true,
      email_change: null,
      name: 'Owner',
      first_name: null,
      last_name: null,
      phone: null,
      birth_date: null,
      locale: null,
      time_zone: null,
      notification_preferences: { alerts: true, weekly_digest: true, reports: true },
      default_organization_id: world.organizationId,
      is_staff: false,
      second_factor: false,
      created_at: time,
      updated_at: time,
      accounts: [
        {
          account_id: world.accountId,
          account_name: 'Test',
          role: 'owner',
          permissions: [...accountPermissions],
        },
      ],
      memberships: [
        {
          organization_id: world.organizationId,
          organization_name: 'Test',
          role: 'owner',
          permissions: [...permissions],
          is_default: true,
        },
      ],
    })
  })

  it('changes field by field, and the account’s log tells from what to what', async () => {
    const world = await createWorld()
    const response = await patch(world, { ...profile, locale: 'DE-ch', notification_preferences: { weekly_digest: false } })
    expect(response.status).toBe(200)
    const changed = { ...profile, notification_preferences: { alerts: true, weekly_digest: false, reports: true } }
    expect(await response.json()).toMatchObject(changed)
    expect(await (await patch(world, { phone: null, notification_preferences: { reports: false } })).json()).toMatchObject({
      ...profile,
      phone: null,
      notification_preferences: { alerts: true, weekly_digest: false, reports: false },
    })
    const entries = (await accountEntriesOf(world.owner.userId)).filter(({ action }) => action === 'user.update')
    const own = { actorId: world.owner.userId, accountId: world.accountId }
    expect(entries).toMatchObject([own, own])
    expect(entries[0]?.changes).toMatchObject({
      name: { before: 'Owner', after: 'Ann' },
      birth_date: { before: null, after: '1990-02-28' },
    })
    expect(entries[1]?.changes).toEqual({
      phone: { before: '+4915112345678', after: null },
      notification_preferences: { before: { weekly_digest: false }, after: { weekly_digest: false, reports: false } },
    })
  })

  it('writes nothing, and no entry, where nothing changes', async () => {
    const world = await createWorld()
    await patch(world, profile)
    const before = await mine(world)
    for (const json of [profile, { notification_preferences: {} }, { default_organization_id: world.organizationId }])
      expect(await (await patch(world, json)).json()).toEqual(before)
    expect((await accountEntriesOf(world.owner.userId)).filter(({ action }) => action === 'user.update')).toHaveLength(1)
  })

  it.each([
    ['is_staff', true],
    ['account_id', '01923f00-0000-7000-8000-00000000000a'],
    ['email', 'other@example.com'],
    ['email_verified', true],
    ['password', 'correct horse battery'],
    ['password_hash', '-'],
    ['token_version', 0],
    ['id', '01923f00-0000-7000-8000-00000000000a'],
    ['second_factor', false],
    ['deleted_at', null],
    ['memberships', []],
    ['phone', '0151 123'],
    ['birth_date', '2999-01-01'],
    ['birth_date', '2023-02-29'],
    ['locale', 'de_CH'],
    ['time_zone', '+01:00'],
    ['name', null],
    ['default_organization_id', null],
    ['notification_preferences', { new_device: false }],
    ['notification_preferences', { alerts: 'no' }],
    ['notification_preferences', { __proto__: null, constructor: true }],
  ])('takes no %s of %j, and leaves all as it was', async (field, value) => {
    const world = await createWorld()
    const before = await mine(world)
    const { status, code, details } = await problemOf(await patch(world, { name: 'Changed', [field]: value }))
    expect([status, code]).toEqual([400, 'validation_failed'])
    expect(Object.keys(details ?? {}).map((name) => name.split('.')[0])).toContain(field)
    expect(await mine(world)).toEqual(before)
  })

  it('keeps every one of 8 changes that come at once', async () => {
    const world = await createWorld()
    const fields = Object.entries(profile)
    const answers = await Promise.all(fields.map(([field, value]) => patch(world, { [field]: value })))
    expect(answers.map(({ status }) => status)).toEqual(fields.map(() => 200))
    expect(await mine(world)).toMatchObject(profile)
  })

  it('tells before and after of the same field truly when it changes in parallel', async () => {
    const world = await createWorld()
    const names = ['A', 'B', 'C']
    const statuses = (await Promise.all(names.map((name) => patch(world, { name })))).map(({ status }) => status)
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true)
    const changes = (await accountEntriesOf(world.owner.userId)).flatMap(({ changes }) => (changes?.['name'] ? [changes['name']] : []))
    // Each change began with what the one before left.
    expect(changes.map(({ before }) => before)).toEqual(['Owner', ...changes.slice(0, -1).map(({ after }) => after)])
    expect((await mine(world))['name']).toBe(changes.at(-1)?.after)
  })
})

describe('the default organization', () => {
  it('may be any that the person is a member of', async () => {
    const [home, away] = [await createWorld(), await createWorld()]
    const { db } = testCtx()
    await db.insert(memberships).values({ userId: home.owner.userId, organizationId: away.organizationId, role: 'viewer', createdAt: 1 })
    expect((await patch(home, { default_organization_id: away.organizationId.toUpperCase() })).status).toBe(200)
    expect(await mine(home)).toMatchObject({ default_organization_id: away.organizationId })
  })

  it('is none of another tenant, that was deleted, whose account was, nor any other id', async () => {
    const [home, away, gone, unpaid] = [await createWorld(), await createWorld(), await createWorld(), await createWorld()]
    const { db } = testCtx()
    for (const { organizationId } of [gone, unpaid])
      await db.insert(memberships).values({ userId: home.owner.userId, organizationId, role: 'owner', createdAt: 1 })
    await db.update(organizations).set({ deletedAt: 1 }).where(eq(organizations.id, gone.organizationId))
    await db.update(accounts).set({ deletedAt: 1 }).where(eq(accounts.id, unpaid.accountId))
    const { id: keyId } = await home.createKey('query')
    for (const id of [away.organizationId, gone.organizationId, unpaid.organizationId, home.accountId, home.owner.userId, keyId]) {
      const response = await patch(home, { default_organization_id: id, name: 'Changed' })
      expect(await problemOf(response)).toMatchObject({ status: 404, code: 'not_found' })
    }
    const [row] = await db.select().from(users).where(eq(users.id, home.owner.userId))
    expect([row?.defaultOrganizationId, row?.name]).toEqual([home.organizationId, 'Owner'])
  })
})
