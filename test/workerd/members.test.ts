import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import type { Role } from '../../src/core/permissions.ts'
import { accountMemberships, memberships, users } from '../../src/db/schema.ts'
import { auditLog } from '../../src/db/schema_audit.ts'
import { teamMemberships, teams } from '../../src/db/schema_identity.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'

const { db } = testCtx()

interface MemberReply {
  user_id: string
  email: string
  name: string
  role: Role
  joined_at: string
}

function pathOf({ organizationId }: World, userId?: string): string {
  return `/api/v1/organizations/${organizationId}/members${userId === undefined ? '' : `/${userId}`}`
}

async function rolesIn({ organizationId }: World): Promise<Record<string, Role>> {
  const rows = await db.select().from(memberships).where(eq(memberships.organizationId, organizationId))
  return Object.fromEntries(rows.map(({ userId, role }) => [userId, role]))
}

function change(world: World, by: Person, userId: string, role: Role): Promise<Response> {
  return world.call(pathOf(world, userId), { method: 'PATCH', as: by.accessToken, json: { role } })
}

function remove(world: World, by: Person, userId: string): Promise<Response> {
  return world.call(pathOf(world, userId), { method: 'DELETE', as: by.accessToken })
}

function leave(world: World, who: Person): Promise<Response> {
  return world.call(`/api/v1/organizations/${world.organizationId}/leave`, { method: 'POST', as: who.accessToken })
}

/** Somebody who runs the account of the world, and is no member. */
async function accountAdmin(world: World): Promise<Person> {
  const person = await world.addMember('viewer')
  await db.delete(memberships).where(eq(memberships.userId, person.userId))
  await db.insert(accountMemberships).values({ userId: person.userId, accountId: world.accountId, role: 'admin', createdAt: 0 })
  return person
}

async function staff(): Promise<Person> {
  const { owner } = await createWorld()
  await db.update(users).set({ isStaff: true }).where(eq(users.id, owner.userId))
  return owner
}

async function auditOf({ organizationId }: World, action: string) {
  const rows = await db
    .select()
    .from(auditLog)
    .where(and(eq(auditLog.organizationId, organizationId), eq(auditLog.action, action)))
    .orderBy(auditLog.id)
  return rows.map(({ actorId, targetId, changes }) => ({ actorId, targetId, changes }))
}

describe('the list of members', () => {
  it('shows name, e-mail, role and since when, paged and counted', async () => {
    const world = await createWorld()
    const people = [world.owner, await world.addMember('admin'), await world.addMember('viewer')]
    const first = await (
      await world.call(`${pathOf(world)}?ordering=role&page_size=2`, { as: world.owner.accessToken })
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
      (await (await world.call(`${pathOf(world)}?${query}`, { as: viewer.accessToken })).json<{ results: MemberReply[] }>()).results.map(
        ({ user_id }) => user_id,
      )
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
    expect(await (await world.call(pathOf(world), { as: world.owner.accessToken })).json()).toMatchObject({ count: 1 })
    expect((await world.call(pathOf(world, gone.userId), { as: world.owner.accessToken })).status).toBe(404)
    expect((await change(world, world.owner, gone.userId, 'admin')).status).toBe(404)
    expect((await remove(world, world.owner, gone.userId)).status).toBe(404)
  })

  it('and its members do not exist for another organization', async () => {
    const [mine, other] = [await createWorld(), await createWorld()]
    for (const path of [pathOf(other), pathOf(other, other.owner.userId), pathOf(mine, other.owner.userId)])
      expect((await mine.call(path, { as: mine.owner.accessToken })).status).toBe(404)
    expect((await change(mine, mine.owner, other.owner.userId, 'viewer')).status).toBe(404)
    expect((await remove(mine, mine.owner, other.owner.userId)).status).toBe(404)
    expect(await rolesIn(other)).toEqual({ [other.owner.userId]: 'owner' })
  })
})

describe('the role of a member', () => {
  it('is changed, told by mail and kept in the audit log with what it was', async () => {
    const world = await createWorld()
    const person = await world.addMember('viewer')
    const response = await change(world, world.owner, person.userId, 'admin')
    expect([response.status, (await response.json<MemberReply>()).role]).toEqual([200, 'admin'])
    expect(await (await world.call(pathOf(world, person.userId), { as: person.accessToken })).json()).toMatchObject({ role: 'admin' })
    expect(await auditOf(world, 'membership.change_role')).toEqual([
      { actorId: world.owner.userId, targetId: person.userId, changes: { role: { before: 'viewer', after: 'admin' } } },
    ])
    expect(await mailsTo(person.email, 'membership_changed')).toEqual([{ organization_name: 'Test', role: 'admin' }])
  })

  it('stays, without entry and mail, when it is that already', async () => {
    const world = await createWorld()
    const person = await world.addMember('member')
    const put = await world.call(pathOf(world, person.userId), { method: 'PUT', as: world.owner.accessToken, json: { role: 'member' } })
    expect(put.status).toBe(200)
    expect(await auditOf(world, 'membership.change_role')).toEqual([])
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
    if (before !== 'viewer')
      expect(await problemOf(await remove(world, actor, before === 'owner' ? target.userId : world.owner.userId))).toMatchObject({
        status: 403,
      })
    expect((await rolesIn(world))[target.userId]).toBe(before)
    expect(await auditOf(world, 'membership.*')).toEqual([])
  })

  it('is for managers of the account and staff to change too, owners included, so that an organization can be rescued', async () => {
    for (const makeActor of [accountAdmin, staff]) {
      const world = await createWorld()
      const member = await world.addMember('member')
      const actor = await makeActor(world)
      expect((await change(world, actor, member.userId, 'owner')).status).toBe(200)
      expect((await change(world, actor, world.owner.userId, 'viewer')).status).toBe(200)
      expect(await rolesIn(world)).toEqual({ [world.owner.userId]: 'viewer', [member.userId]: 'owner' })
      expect((await auditOf(world, 'membership.change_role')).map(({ actorId }) => actorId)).toEqual([actor.userId, actor.userId])
    }
  })

  it('is not raised by oneself, not even by who runs the account', async () => {
    const world = await createWorld()
    const viewer = await world.addMember('viewer')
    await db.insert(accountMemberships).values({ userId: viewer.userId, accountId: world.accountId, role: 'owner', createdAt: 0 })
    expect(await problemOf(await change(world, viewer, viewer.userId, 'owner'))).toMatchObject({ status: 403, code: 'forbidden' })
    expect((await rolesIn(world))[viewer.userId]).toBe('viewer')
  })
})

describe('the last owner', () => {
  it('stays: cannot step down, be removed or leave, not even by staff', async () => {
    const world = await createWorld()
    await world.addMember('admin')
    const stopped = { status: 409, code: 'last_owner' }
    for (const by of [world.owner, await accountAdmin(world), await staff()]) {
      expect(await problemOf(await change(world, by, world.owner.userId, 'admin'))).toMatchObject(stopped)
      expect(await problemOf(await remove(world, by, world.owner.userId))).toMatchObject(stopped)
    }
    expect(await problemOf(await leave(world, world.owner))).toMatchObject(stopped)
    expect((await rolesIn(world))[world.owner.userId]).toBe('owner')
    expect(await mailsTo(world.owner.email, 'membership_changed')).toEqual([])
    expect(await mailsTo(world.owner.email, 'membership_removed')).toEqual([])
  })

  it('is one who is not deleted', async () => {
    const world = await createWorld()
    const second = await world.addMember('owner')
    await db.update(users).set({ deletedAt: Date.now() }).where(eq(users.id, second.userId))
    expect(await problemOf(await leave(world, world.owner))).toMatchObject({ status: 409, code: 'last_owner' })
  })

  it('remains of two whom 20 parallel requests demote', async () => {
    const world = await createWorld()
    const second = await world.addMember('owner')
    const owners = [world.owner, second]
    const by = await staff()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => change(world, by, owners[i % 2]?.userId ?? '', i % 4 < 2 ? 'admin' : 'member')),
    )
    expect(Object.values(await rolesIn(world)).filter((role) => role === 'owner')).toHaveLength(1)
    expect(answers.filter(({ status }) => ![200, 409].includes(status))).toEqual([])
  })

  it('remains of three when all of them leave at once', async () => {
    const world = await createWorld()
    const owners = [world.owner, await world.addMember('owner'), await world.addMember('owner')]
    const statuses = (await Promise.all(owners.map((owner) => leave(world, owner)))).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 204, 409])
    expect(Object.values(await rolesIn(world))).toEqual(['owner'])
    expect(await auditOf(world, 'membership.leave')).toHaveLength(2)
  })
})

describe('who is removed or leaves', () => {
  it('goes from the teams too, and has another organization as default, or none', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const person = await world.addMember('member')
    const team = {
      organizationId: world.organizationId,
      id: crypto.randomUUID(),
      name: 'Team',
      nameKey: 'team',
      createdAt: 0,
      updatedAt: 0,
    }
    await db.insert(teams).values(team)
    await db
      .insert(teamMemberships)
      .values({ organizationId: world.organizationId, teamId: team.id, userId: person.userId, role: 'manager', createdAt: 0 })
    await db
      .insert(memberships)
      .values({ userId: person.userId, organizationId: other.organizationId, role: 'viewer', createdAt: Date.now() })

    expect((await remove(world, world.owner, person.userId)).status).toBe(204)
    expect(await db.select().from(teamMemberships).where(eq(teamMemberships.userId, person.userId))).toEqual([])
    const defaultOf = async () =>
      (await db.select({ id: users.defaultOrganizationId }).from(users).where(eq(users.id, person.userId)))[0]?.id
    expect(await defaultOf()).toBe(other.organizationId)
    expect(await auditOf(world, 'membership.remove')).toEqual([
      { actorId: world.owner.userId, targetId: person.userId, changes: { role: { before: 'member', after: null } } },
    ])
    expect(await mailsTo(person.email, 'membership_removed')).toEqual([{ organization_name: 'Test' }])

    expect((await leave(other, person)).status).toBe(204)
    expect(await defaultOf()).toBe(null)
    expect(await auditOf(other, 'membership.leave')).toHaveLength(1)
    expect((await world.call('/api/v1/auth/me', { as: person.accessToken })).status).toBe(200)
    expect(await problemOf(await world.call('/api/v1/logs', { as: person.accessToken }))).toMatchObject({ status: 403 })
  })

  it('does so once, however many ask at once', async () => {
    const world = await createWorld()
    const person = await world.addMember('member')
    const answers = await Promise.all(Array.from({ length: 5 }, () => remove(world, world.owner, person.userId)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 404, 404, 404, 404])
    expect(await auditOf(world, 'membership.remove')).toHaveLength(1)
    expect(await mailsTo(person.email, 'membership_removed')).toHaveLength(1)
  })

  it.each(['viewer', 'member', 'admin'] as const)('may be a %s who leaves', async (role) => {
    const world = await createWorld()
    const person = await world.addMember(role)
    expect((await leave(world, person)).status).toBe(204)
    expect(await rolesIn(world)).toEqual({ [world.owner.userId]: 'owner' })
    expect((await leave(world, person)).status).toBe(404)
  })

  it('is not who only runs the account', async () => {
    const world = await createWorld()
    expect(await problemOf(await leave(world, await accountAdmin(world)))).toMatchObject({ status: 404, code: 'not_found' })
  })

  it('watches no logs any more', async () => {
    const world = await createWorld()
    const person = await world.addMember('viewer')
    const ticket = await (
      await world.call('/api/v1/logs/tail-ticket', { method: 'POST', as: person.accessToken })
    ).json<{ ticket: string }>()
    const open = () => world.call(`/ws/logs?ticket=${ticket.ticket}`, { headers: { Upgrade: 'websocket' } })
    const socket = (await open()).webSocket
    if (!socket) throw new Error('no socket')
    socket.accept()
    const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
    expect((await remove(world, world.owner, person.userId)).status).toBe(204)
    expect(await closed).toBeGreaterThanOrEqual(1008)
  })
})
