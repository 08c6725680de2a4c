import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { mailWindowMs, noticesPerEmailMax, noticesPerOwnerMax } from '../../src/core/limits.ts'
import type { Role } from '../../src/core/permissions.ts'
import { accountMemberships, memberships, users } from '../../src/db/schema.ts'
import { mails } from '../../src/db/schema_content.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { forgetPassword, rolesIn } from '../support/tenancy.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { accountAdmin, change, entriesOf, membersPath, remove, staff } from './members_world.ts'
import type { MemberReply } from './members_world.ts'

const { db } = testCtx()

describe('the list of members', () => {
  it('shows name, e-mail, role and since when, paged and counted', async () => {
    const world = await createWorld()
    const people = [world.owner, await world.addMember('admin'), await world.addMember('viewer')]
    const first = await (
      await world.call(`${membersPath(world)}?ordering=role&page_size=2`, { as: world.owner.accessToken })
    ).json<{
      count: number
      next: string
      results: MemberReply[]
    }>()
    expect(first.count).toBe(3)
    expect(first.results.map(({ user_id, email, role }) => [user_id, email, role])).toEqual([
      [people[0]?.userId, people[0]?.email, 'owner'],
      [people[1]?.userId, people[1]?.email, 'admin'],
    ])
    expect(Date.parse(first.results[0]?.joined_at ?? '')).toBeGreaterThan(0)
    const next = new URL(first.next)
    const second = await (await world.call(next.pathname + next.search, { as: world.owner.accessToken })).json<{ results: MemberReply[] }>()
    expect(second.results.map(({ user_id }) => user_id)).toEqual([people[2]?.userId])
  })

  it('is searched by name and e-mail, filtered by role and ordered', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    const viewer = await world.addMember('viewer')
    await db.update(users).set({ name: 'Zoë 100%' }).where(eq(users.id, viewer.userId))
    const found = async (query: string) =>
      (
        await (await world.call(`${membersPath(world)}?${query}`, { as: viewer.accessToken })).json<{ results: MemberReply[] }>()
      ).results.map(({ user_id }) => user_id)
    expect(await found('search=0%25')).toEqual([viewer.userId])
    expect(await found(`search=${encodeURIComponent(admin.email.toUpperCase())}`)).toEqual([admin.userId])
    expect(await found('search=_')).toEqual([])
    expect(await found('role=admin')).toEqual([admin.userId])
    expect(await found('ordering=-role')).toEqual([viewer.userId, admin.userId, world.owner.userId])
    expect(await found('ordering=name')).toEqual([world.owner.userId, viewer.userId, admin.userId])
    expect(await found('ordering=joined_at')).toEqual([world.owner.userId, admin.userId, viewer.userId])
  })

  it('leaves out deleted users, whom nobody can change or remove', async () => {
    const world = await createWorld()
    const gone = await world.addMember('member')
    await db.update(users).set({ deletedAt: Date.now() }).where(eq(users.id, gone.userId))
    expect(await (await world.call(membersPath(world), { as: world.owner.accessToken })).json()).toMatchObject({ count: 1 })
    expect((await world.call(membersPath(world, gone.userId), { as: world.owner.accessToken })).status).toBe(404)
    expect((await change(world, world.owner, gone.userId, 'admin')).status).toBe(404)
    expect((await remove(world, world.owner, gone.userId)).status).toBe(404)
  })

  it('and its members do not exist for another organization', async () => {
    const [mine, other] = [await createWorld(), await createWorld()]
    for (const path of [membersPath(other), membersPath(other, other.owner.userId), membersPath(mine, other.owner.userId)])
      expect((await mine.call(path, { as: mine.owner.accessToken })).status).toBe(404)
    expect((await change(mine, mine.owner, other.owner.userId, 'viewer')).status).toBe(404)
    expect((await remove(mine, mine.owner, other.owner.userId)).status).toBe(404)
    expect(await rolesIn(other.organizationId)).toEqual({ [other.owner.userId]: 'owner' })
  })
})

describe('mails about what was done to a member', () => {
  it('are a few an hour from one organization, while the acts go on', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const person = await world.addMember('viewer')
    for (let i = 0; i < noticesPerOwnerMax + 2; i += 1)
      expect((await change(world, world.owner, person.userId, i % 2 === 0 ? 'member' : 'viewer')).status).toBe(200)
    expect(await mailsTo(person.email, 'membership_changed')).toHaveLength(noticesPerOwnerMax)
    expect((await remove(world, world.owner, person.userId)).status).toBe(204)
    expect(await mailsTo(person.email, 'membership_removed')).toEqual([])
    // What one tenant does keeps nobody from hearing of another.
    await db.insert(memberships).values({ userId: person.userId, organizationId: other.organizationId, role: 'viewer', createdAt: 0 })
    await remove(other, other.owner, person.userId)
    expect(await mailsTo(person.email, 'membership_removed')).toEqual([{ thing: 'organization', name: 'Test' }])
  })

  it('are so many an hour from all organizations together, and come again later', async () => {
    const world = await createWorld()
    const person = await world.addMember('viewer')
    const row = { kind: 'membership_removed', recipient: person.email, sealedParams: '', status: 'sent', updatedAt: 0 } as const
    const sent = Array.from({ length: noticesPerEmailMax }, () => ({ ...row, id: crypto.randomUUID(), ownerId: crypto.randomUUID() }))
    for (const mail of sent) await db.insert(mails).values({ ...mail, createdAt: Date.now() })
    await change(world, world.owner, person.userId, 'member')
    expect(await mailsTo(person.email, 'membership_changed')).toEqual([])
    await db
      .update(mails)
      .set({ createdAt: Date.now() - mailWindowMs })
      .where(eq(mails.id, sent[0]?.id ?? ''))
    await change(world, world.owner, person.userId, 'admin')
    expect(await mailsTo(person.email, 'membership_changed')).toEqual([{ thing: 'organization', name: 'Test', role: 'admin' }])
  })

  it('go to no address that nobody confirmed', async () => {
    const world = await createWorld()
    const person = await world.addMember('viewer')
    await db.update(users).set({ emailVerifiedAt: null }).where(eq(users.id, person.userId))
    expect((await change(world, world.owner, person.userId, 'member')).status).toBe(200)
    expect((await remove(world, world.owner, person.userId)).status).toBe(204)
    expect(await db.select().from(mails).where(eq(mails.recipient, person.email))).toEqual([])
  })
})

describe('the role of a member', () => {
  it('is changed, told by mail and kept in the audit log with what it was', async () => {
    const world = await createWorld()
    const person = await world.addMember('viewer')
    const response = await change(world, world.owner, person.userId, 'admin')
    expect([response.status, (await response.json<MemberReply>()).role]).toEqual([200, 'admin'])
    expect(await (await world.call(membersPath(world, person.userId), { as: person.accessToken })).json()).toMatchObject({ role: 'admin' })
    expect(await entriesOf(world, 'membership.change_role')).toEqual([
      { actorId: world.owner.userId, targetId: person.userId, changes: { role: { before: 'viewer', after: 'admin' } } },
    ])
    expect(await mailsTo(person.email, 'membership_changed')).toEqual([{ thing: 'organization', name: 'Test', role: 'admin' }])
  })

  it('stays, without entry and mail, when it is that already', async () => {
    const world = await createWorld()
    const person = await world.addMember('member')
    const put = await world.call(membersPath(world, person.userId), {
      method: 'PUT',
      as: world.owner.accessToken,
      json: { role: 'member' },
    })
    expect(put.status).toBe(200)
    expect(await entriesOf(world, 'membership.change_role')).toEqual([])
    expect(await mailsTo(person.email, 'membership_changed')).toEqual([])
  })

  it('counts from the next request of the same session on', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    const makeKey = () => world.call('/api/v1/api-keys', { as: admin.accessToken, json: { name: 'x', kind: 'ingest' } })
    expect((await makeKey()).status).toBe(201)
    expect((await change(world, world.owner, admin.userId, 'viewer')).status).toBe(200)
    expect(await problemOf(await makeKey())).toMatchObject({ status: 403, code: 'forbidden' })
    expect(await problemOf(await change(world, admin, admin.userId, 'admin'))).toMatchObject({ status: 403 })
    expect((await world.call('/api/v1/logs', { as: admin.accessToken })).status).toBe(200)
    expect((await remove(world, world.owner, admin.userId)).status).toBe(204)
    expect(
      (await world.call('/api/v1/logs', { as: admin.accessToken, headers: { 'X-Organization-Id': world.organizationId } })).status,
    ).toBe(404)
  })

  it.each([
    ['admin', 'member', 'owner'],
    ['admin', 'admin', 'owner'],
    ['admin', 'owner', 'member'],
    ['member', 'viewer', 'member'],
    ['viewer', 'member', 'viewer'],
  ] as const)('is not for %s to turn from %s into %s', async (by, before, after) => {
    const world = await createWorld()
    const [actor, target] = [await world.addMember(by), await world.addMember(before)]
    expect(await problemOf(await change(world, actor, target.userId, after))).toMatchObject({ status: 403, code: 'forbidden' })
    expect((await rolesIn(world.organizationId))[target.userId]).toBe(before)
    expect(await entriesOf(world, 'membership.change_role')).toEqual([])
    expect(await mailsTo(target.email, 'membership_changed')).toEqual([])
  })

  it('is for managers of the account and staff to change too, owners included, so that an organization can be rescued', async () => {
    for (const makeActor of [accountAdmin, staff]) {
      const world = await createWorld()
      const member = await world.addMember('member')
      const actor = await makeActor(world)
      expect((await change(world, actor, member.userId, 'owner')).status).toBe(200)
      expect((await change(world, actor, world.owner.userId, 'viewer')).status).toBe(200)
      expect(await rolesIn(world.organizationId)).toEqual({ [world.owner.userId]: 'viewer', [member.userId]: 'owner' })
      expect((await entriesOf(world, 'membership.change_role')).map(({ actorId }) => actorId)).toEqual([actor.userId, actor.userId])
    }
  })

  it('is not raised by oneself, not even by who runs the account', async () => {
    const world = await createWorld()
    const viewer = await world.addMember('viewer')
    await db.insert(accountMemberships).values({ userId: viewer.userId, accountId: world.accountId, role: 'owner', createdAt: 0 })
    expect(await problemOf(await change(world, viewer, viewer.userId, 'owner'))).toMatchObject({ status: 403, code: 'forbidden' })
    expect((await rolesIn(world.organizationId))[viewer.userId]).toBe('viewer')
  })
})

describe('who decides on owners and admins', () => {
  it('has to have proved the password lately; for other roles no password is asked', async () => {
    const world = await createWorld()
    const [member, second] = [await world.addMember('member'), await world.addMember('owner')]
    const admin = await world.addMember('admin')
    await forgetPassword(world.owner)
    const again = { status: 403, code: 'reauthentication_required' }
    const { organizationId, call, owner } = world
    const email = `guest-${crypto.randomUUID()}@example.com`
    const invite = (role: Role) =>
      call(`/api/v1/organizations/${organizationId}/invitations`, { as: owner.accessToken, json: { email, role } })
    expect(await problemOf(await change(world, owner, member.userId, 'owner'))).toMatchObject(again)
    expect(await problemOf(await change(world, owner, second.userId, 'viewer'))).toMatchObject(again)
    expect(await problemOf(await remove(world, owner, second.userId))).toMatchObject(again)
    expect(await problemOf(await remove(world, owner, admin.userId))).toMatchObject(again)
    expect(await problemOf(await change(world, owner, member.userId, 'admin'))).toMatchObject(again)
    expect(await problemOf(await change(world, owner, admin.userId, 'viewer'))).toMatchObject(again)
    for (const role of ['owner', 'admin'] as const) expect(await problemOf(await invite(role))).toMatchObject(again)
    expect((await change(world, owner, member.userId, 'viewer')).status).toBe(200)
    expect((await remove(world, owner, member.userId)).status).toBe(204)
    expect((await invite('member')).status).toBe(201)
    expect(await rolesIn(world.organizationId)).toEqual({ [owner.userId]: 'owner', [second.userId]: 'owner', [admin.userId]: 'admin' })
  })
})
