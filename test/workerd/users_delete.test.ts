import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { deletedKeptMs } from '../../src/core/limits.ts'
import { memberships, organizations, sessions, users } from '../../src/db/schema.ts'
import { accountEntriesOf } from '../support/account_entries.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { getTicket, openTail } from '../support/tail.ts'
import { makeStaff } from '../support/tenancy.ts'
import { addAccountAdmin, asOwner, createUser, freshEmail, userRowOf, usersPath as path } from '../support/users.ts'
import type { UserBody } from '../support/users.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

const { db } = testCtx()

describe('deleting a user', () => {
  it('ends all sessions at once, and can be undone for 30 days', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    const tail = await openTail(world, { ticket: await getTicket(world, member.accessToken) })
    expect((await asOwner(world, `${path}/${member.userId}`, { method: 'DELETE' })).status).toBe(204)
    expect((await tail.closed).code).toBe(4003)
    expect((await world.call('/api/v1/auth/me', { as: member.accessToken })).status).toBe(401)
    expect((await world.call('/api/v1/auth/login', { json: { email: member.email, password: member.password } })).status).toBe(401)
    expect((await asOwner(world, `${path}/${member.userId}`)).status).toBe(404)
    expect((await asOwner(world, `${path}/${member.userId}`, { method: 'DELETE' })).status).toBe(404)
    const deleted = await (await asOwner(world, `${path}?deleted=true`)).json()
    expect(deleted).toMatchObject({ count: 1, results: [{ id: member.userId, deleted_at: expect.any(String) as string }] })

    const restored = await asOwner(world, `${path}/${member.userId}/restore`, { method: 'POST' })
    expect(await restored.json()).toMatchObject({ id: member.userId, deleted_at: null })
    expect((await world.call('/api/v1/auth/me', { as: member.accessToken })).status).toBe(401)
    const login = await world.call('/api/v1/auth/login', { json: { email: member.email, password: member.password } })
    const { access_token } = await login.json<{ access_token: string }>()
    expect(await (await world.call('/api/v1/auth/me', { as: access_token })).json()).toMatchObject({ memberships: [{ role: 'member' }] })
    expect((await asOwner(world, `${path}/${member.userId}/restore`, { method: 'POST' })).status).toBe(404)
    const acts = (await accountEntriesOf(member.userId)).map(({ action, actorId }) => `${action} ${actorId === world.owner.userId}`)
    expect(acts).toEqual(expect.arrayContaining(['user.delete true', 'user.restore true']))
    expect(await mailsTo(member.email, 'user_deleted')).toHaveLength(1)
  })

  it('cannot be undone after 30 days', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    await db
      .update(users)
      .set({ deletedAt: Date.now() - deletedKeptMs })
      .where(eq(users.id, member.userId))
    expect((await asOwner(world, `${path}/${member.userId}/restore`, { method: 'POST' })).status).toBe(404)
    expect(await (await asOwner(world, `${path}?deleted=true`)).json()).toMatchObject({ count: 0 })
  })

  it('needs the password proved of late', async () => {
    const world = await createWorld()
    const { id } = await createUser(world)
    await db.update(sessions).set({ passwordProvedAt: 0 }).where(eq(sessions.userId, world.owner.userId))
    const response = await asOwner(world, `${path}/${id}`, { method: 'DELETE' })
    expect(await problemOf(response)).toMatchObject({ status: 403, code: 'reauthentication_required' })
  })

  it('is refused for the last owner of an organization, even where nobody else is in it', async () => {
    const world = await createWorld()
    const { id } = await createUser(world)
    const lone = crypto.randomUUID()
    await db.insert(organizations).values({ id: lone, accountId: world.accountId, name: 'Lone', createdAt: 1, updatedAt: 1 })
    await db.insert(memberships).values({ userId: id, organizationId: lone, role: 'owner', createdAt: 1 })
    const refused = await problemOf(await asOwner(world, `${path}/${id}`, { method: 'DELETE' }))
    expect(refused).toMatchObject({ status: 409, code: 'last_owner', detail: expect.stringContaining('Lone') as string })
    expect((await userRowOf(id))?.deletedAt).toBeNull()
    await db.insert(memberships).values({ userId: world.owner.userId, organizationId: lone, role: 'owner', createdAt: 1 })
    expect((await asOwner(world, `${path}/${id}`, { method: 'DELETE' })).status).toBe(204)
  })

  it('of two owners leaves one, when both are deleted at once', async () => {
    const world = await createWorld()
    const lone = crypto.randomUUID()
    await db.insert(organizations).values({ id: lone, accountId: world.accountId, name: 'Two', createdAt: 1, updatedAt: 1 })
    const pair = [await createUser(world), await createUser(world)]
    for (const { id } of pair) await db.insert(memberships).values({ userId: id, organizationId: lone, role: 'owner', createdAt: 1 })
    const answers = await Promise.all(pair.map(({ id }) => asOwner(world, `${path}/${id}`, { method: 'DELETE' })))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 409])
  })

  it('who manages the account, is for its owners', async () => {
    const world = await createWorld()
    const [admin, second] = [await addAccountAdmin(world), await addAccountAdmin(world)]
    for (const id of [world.owner.userId, second.userId]) {
      const response = await world.call(`${path}/${id}`, { method: 'DELETE', as: admin.accessToken })
      expect(await problemOf(response)).toMatchObject({ status: 403, code: 'forbidden' })
    }
    expect((await asOwner(world, `${path}/${second.userId}`, { method: 'DELETE' })).status).toBe(204)
    expect((await world.call(`${path}/${second.userId}/restore`, { method: 'POST', as: admin.accessToken })).status).toBe(403)
    expect((await asOwner(world, `${path}/${second.userId}/restore`, { method: 'POST' })).status).toBe(200)
  })

  it('is not the way to delete oneself', async () => {
    const world = await createWorld()
    expect((await asOwner(world, `${path}/${world.owner.userId}`, { method: 'DELETE' })).status).toBe(403)
  })
})

describe('staff', () => {
  async function createStaff(): Promise<World> {
    const world = await createWorld()
    await makeStaff(world.owner)
    return world
  }

  it('sees and manages users of every account, and each such act stands in the log of that account', async () => {
    const [staff, other] = [await createStaff(), await createWorld()]
    const list = await asOwner(staff, `${path}?account_id=${other.accountId}`)
    expect(await list.json()).toMatchObject({ count: 1, results: [{ id: other.owner.userId }] })
    const made = await (
      await asOwner(staff, `${path}?account_id=${other.accountId}`, {
        json: { email: freshEmail(), name: 'New' },
      })
    ).json<UserBody>()
    expect(await (await asOwner(staff, `${path}/${made.id}`)).json()).toMatchObject({ account_id: other.accountId })
    expect((await asOwner(staff, `${path}/${made.id}`, { method: 'PATCH', json: { name: 'Ann' } })).status).toBe(200)
    // Only who chose a password can be restored.
    await db.update(users).set({ passwordHash: 'chosen' }).where(eq(users.id, made.id))
    expect((await asOwner(staff, `${path}/${made.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await asOwner(staff, `${path}/${made.id}/restore`, { method: 'POST' })).status).toBe(200)
    const seen = await accountEntriesOf(other.accountId)
    expect(seen.map(({ action, actorId, details }) => [action, actorId, details['route']])).toEqual(
      ['users.list', 'users.create', 'users.get'].map((route) => ['staff.act', staff.owner.userId, route]),
    )
    const acts = await accountEntriesOf(made.id)
    expect(acts.map(({ action }) => action)).toEqual(['user.create', 'user.update', 'user.delete', 'user.restore'])
    expect(new Set(acts.map(({ accountId, actorId }) => `${accountId} ${actorId}`))).toEqual(
      new Set([`${other.accountId} ${staff.owner.userId}`]),
    )
  })

  it('brings a person back who deleted oneself, with the organization and the account', async () => {
    const [staff, other] = [await createStaff(), await createWorld()]
    expect((await other.call('/api/v1/auth/me', { method: 'DELETE', as: other.owner.accessToken })).status).toBe(204)
    expect((await asOwner(staff, `${path}/${other.owner.userId}/restore`, { method: 'POST' })).status).toBe(200)
    const login = await other.call('/api/v1/auth/login', { json: { email: other.owner.email, password: other.owner.password } })
    const { access_token } = await login.json<{ access_token: string }>()
    expect(await (await other.call('/api/v1/auth/me', { as: access_token })).json()).toMatchObject({
      accounts: [{ account_id: other.accountId, role: 'owner' }],
      memberships: [{ organization_id: other.organizationId, role: 'owner', is_default: true }],
    })
  })

  it('is no staff any more once deleted, whoever restores the person', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    await db.update(users).set({ isStaff: true }).where(eq(users.id, member.userId))
    expect((await asOwner(world, `${path}/${member.userId}`, { method: 'DELETE' })).status).toBe(204)
    const restored = await asOwner(world, `${path}/${member.userId}/restore`, { method: 'POST' })
    expect(await restored.json()).toMatchObject({ is_staff: false })
    const [deletion] = (await accountEntriesOf(member.userId)).filter(({ action }) => action === 'user.delete')
    expect(deletion?.changes).toEqual({ is_staff: { before: true, after: false } })
  })

  it('is nobody by asking for it, and nobody any more once it is taken away', async () => {
    const [staff, other] = [await createStaff(), await createWorld()]
    await db.update(users).set({ isStaff: false }).where(eq(users.id, staff.owner.userId))
    expect((await asOwner(staff, `${path}?account_id=${other.accountId}`)).status).toBe(404)
    expect((await asOwner(staff, `${path}/${other.owner.userId}`)).status).toBe(404)
  })
})
