import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { memberships, users } from '../../src/db/schema.ts'
import { teamMemberships, teams } from '../../src/db/schema_identity.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { openTail } from '../support/tail.ts'
import { defaultOf, rolesIn } from '../support/tenancy.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { accountAdmin, change, entriesOf, leave, remove, staff } from './members_world.ts'

const { db } = testCtx()

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
    expect((await rolesIn(world.organizationId))[world.owner.userId]).toBe('owner')
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
    expect(Object.values(await rolesIn(world.organizationId)).filter((role) => role === 'owner')).toHaveLength(1)
    expect(answers.filter(({ status }) => ![200, 409].includes(status))).toEqual([])
  })

  it('remains of three when all of them leave at once', async () => {
    const world = await createWorld()
    const owners = [world.owner, await world.addMember('owner'), await world.addMember('owner')]
    const statuses = (await Promise.all(owners.map((owner) => leave(world, owner)))).map(({ status }) => status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 204, 409])
    expect(Object.values(await rolesIn(world.organizationId))).toEqual(['owner'])
    expect(await entriesOf(world, 'membership.leave')).toHaveLength(2)
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
    expect(await defaultOf(person)).toBe(other.organizationId)
    expect(await entriesOf(world, 'membership.remove')).toEqual([
      { actorId: world.owner.userId, targetId: person.userId, changes: { role: { before: 'member', after: null } } },
    ])
    expect(await mailsTo(person.email, 'membership_removed')).toEqual([{ thing: 'organization', name: 'Test' }])

    expect((await leave(other, person)).status).toBe(204)
    expect(await defaultOf(person)).toBe(null)
    expect(await entriesOf(other, 'membership.leave')).toHaveLength(1)
    expect((await world.call('/api/v1/auth/me', { as: person.accessToken })).status).toBe(200)
    expect(await problemOf(await world.call('/api/v1/logs', { as: person.accessToken }))).toMatchObject({ status: 403 })
  })

  it('does so once, however many ask at once', async () => {
    const world = await createWorld()
    const person = await world.addMember('member')
    const answers = await Promise.all(Array.from({ length: 5 }, () => remove(world, world.owner, person.userId)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 404, 404, 404, 404])
    expect(await entriesOf(world, 'membership.remove')).toHaveLength(1)
    expect(await mailsTo(person.email, 'membership_removed')).toHaveLength(1)
  })

  it.each(['viewer', 'member', 'admin'] as const)('may be a %s who leaves', async (role) => {
    const world = await createWorld()
    const person = await world.addMember(role)
    expect((await leave(world, person)).status).toBe(204)
    expect(await rolesIn(world.organizationId)).toEqual({ [world.owner.userId]: 'owner' })
    expect((await leave(world, person)).status).toBe(404)
  })

  it.each(['admin', 'member', 'viewer'] as const)('is not sent away by a %s who may not', async (role) => {
    const world = await createWorld()
    const [actor, second] = [await world.addMember(role), await world.addMember('owner')]
    expect(await problemOf(await remove(world, actor, second.userId))).toMatchObject({ status: 403, code: 'forbidden' })
    expect(Object.keys(await rolesIn(world.organizationId))).toHaveLength(3)
  })

  it('is not who only runs the account', async () => {
    const world = await createWorld()
    expect(await problemOf(await leave(world, await accountAdmin(world)))).toMatchObject({ status: 404, code: 'not_found' })
  })

  it('watches no logs any more', async () => {
    const world = await createWorld()
    const person = await world.addMember('viewer')
    const client = await openTail({ ...world, owner: person })
    expect((await remove(world, world.owner, person.userId)).status).toBe(204)
    expect(await client.closed).toMatchObject({ code: 4003 })
  })
})
