import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { accountMemberships, memberships } from '../../src/db/schema.ts'
import { accountEntriesOf } from '../support/account_entries.ts'
import { problemOf } from '../support/app.ts'
import { addAccountAdmin, asOwner, createUser, freshEmail, userRowOf, usersPath as path } from '../support/users.ts'
import type { UserBody } from '../support/users.ts'
import { createWorld, testCtx } from '../support/world.ts'

const { db } = testCtx()

describe('users of an account', () => {
  it('are listed page by page, in order, and found by a part of name or e-mail', async () => {
    const world = await createWorld()
    const made = []
    for (const name of ['Cem', 'Ana', 'Bo%b']) made.push(await createUser(world, { name }))
    const list = async (query: string) =>
      (await asOwner(world, `${path}?${query}`)).json<{ count: number; next: string | null; results: UserBody[] }>()
    const names = async (query: string) => (await list(query)).results.map(({ name }) => name)
    expect(await names('ordering=name')).toEqual(['Ana', 'Bo%b', 'Cem', 'Owner'])
    expect(await names('ordering=-created_at')).toEqual(['Bo%b', 'Ana', 'Cem', 'Owner'])
    expect(await names('search=bo%25')).toEqual(['Bo%b'])
    expect(await names(`search=${made[1]?.email.slice(4, 30)}`)).toEqual(['Ana'])
    const page = await list('page_size=3&ordering=name')
    expect([page.count, page.results.length, page.next?.includes('page=2')]).toEqual([4, 3, true])
    expect(await names('page_size=3&ordering=name&page=2')).toEqual(['Owner'])
    expect(await list('deleted=true')).toMatchObject({ count: 0 })
  })

  it('are those of the account only: others are not there, by any verb', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const foreign = await createUser(other)
    // A member of the caller's organization whose account is another one.
    await db.insert(memberships).values({ userId: foreign.id, organizationId: world.organizationId, role: 'member', createdAt: 1 })
    const { id: keyId } = await world.createKey('query')
    for (const id of [foreign.id, world.organizationId, world.accountId, keyId, crypto.randomUUID()]) {
      for (const options of [
        {},
        { method: 'PATCH', json: { name: 'Mallory' } },
        { method: 'PUT', json: { name: 'Mallory' } },
        { method: 'DELETE' },
      ])
        expect(await problemOf(await asOwner(world, `${path}/${id}`, options))).toMatchObject({ status: 404, code: 'not_found' })
      expect((await asOwner(world, `${path}/${id}/restore`, { method: 'POST' })).status).toBe(404)
    }
    expect(await userRowOf(foreign.id)).toMatchObject({ name: 'New', deletedAt: null })
    expect((await asOwner(world, `${path}?account_id=${other.accountId}`)).status).toBe(404)
    expect((await asOwner(world, `${path}?account_id=${other.accountId}`, { json: { email: freshEmail(), name: 'X' } })).status).toBe(404)
    expect((await asOwner(world, `${path}?account_id=${world.accountId}`)).status).toBe(200)
  })

  it('are managed by owners and administrators of the account, and by nobody else', async () => {
    const world = await createWorld()
    const admin = await addAccountAdmin(world)
    const organizationAdmin = await world.addMember('admin')
    const { key } = await world.createKey('admin')
    expect((await world.call(path, { as: admin.accessToken })).status).toBe(200)
    for (const as of [organizationAdmin.accessToken, key]) {
      expect(await problemOf(await world.call(path, { as }))).toMatchObject({ status: 403, code: 'forbidden' })
      expect((await world.call(path, { as, json: { email: freshEmail(), name: 'X' } })).status).toBe(403)
      expect((await world.call(`${path}/${world.owner.userId}`, { as })).status).toBe(403)
    }
  })

  it('are out of reach at once for an administrator who lost the role in the middle of a session', async () => {
    const world = await createWorld()
    const admin = await addAccountAdmin(world)
    const { id } = await createUser(world)
    expect((await world.call(`${path}/${id}`, { as: admin.accessToken })).status).toBe(200)
    await db.delete(accountMemberships).where(eq(accountMemberships.userId, admin.userId))
    for (const options of [{}, { method: 'PATCH', json: { name: 'X' } }, { method: 'DELETE' }])
      expect((await world.call(`${path}/${id}`, { as: admin.accessToken, ...options })).status).toBe(403)
    expect((await world.call(`${path}/${id}/restore`, { method: 'POST', as: admin.accessToken })).status).toBe(403)
  })
})

describe('changing a user', () => {
  it('who manages the account is for its owners and the person, so that nobody else renames them', async () => {
    const world = await createWorld()
    const [admin, other] = [await addAccountAdmin(world), await addAccountAdmin(world)]
    const rename = (id: string, as: string) => world.call(`${path}/${id}`, { method: 'PATCH', as, json: { name: 'Edgelog Support' } })
    for (const { userId } of [world.owner, other])
      expect(await problemOf(await rename(userId, admin.accessToken))).toMatchObject({ status: 403, code: 'forbidden' })
    expect((await userRowOf(world.owner.userId))?.name).toBe('Owner')
    expect((await rename(admin.userId, admin.accessToken)).status).toBe(200)
    expect((await rename(other.userId, world.owner.accessToken)).status).toBe(200)
  })

  it('changes the named fields with PATCH, and all of the profile with PUT', async () => {
    const world = await createWorld()
    const { id } = await createUser(world)
    const patched = await asOwner(world, `${path}/${id}`, { method: 'PATCH', json: { first_name: 'Ann', phone: '+4915112345678' } })
    expect(await patched.json()).toMatchObject({ name: 'New', first_name: 'Ann', phone: '+4915112345678' })
    const put = await asOwner(world, `${path}/${id}`, { method: 'PUT', json: { name: 'Ann', locale: 'de' } })
    expect(await put.json()).toMatchObject({ name: 'Ann', first_name: null, phone: null, locale: 'de' })
    const updates = (await accountEntriesOf(id)).filter(({ action }) => action === 'user.update')
    expect(updates.map(({ actorId }) => actorId)).toEqual([world.owner.userId, world.owner.userId])
    expect(updates[1]?.changes).toMatchObject({ name: { before: 'New', after: 'Ann' }, phone: { before: '+4915112345678', after: null } })
  })

  it.each([
    'email',
    'password',
    'is_staff',
    'account_id',
    'account_role',
    'email_verified',
    'notification_preferences',
    'default_organization_id',
    'deleted_at',
  ])('does not change %s', async (field) => {
    const world = await createWorld()
    const { id } = await createUser(world)
    const before = await userRowOf(id)
    for (const method of ['PATCH', 'PUT']) {
      const response = await asOwner(world, `${path}/${id}`, { method, json: { name: 'Changed', [field]: world.owner.userId } })
      expect(await problemOf(response)).toMatchObject({ status: 400, details: { [field]: expect.anything() as unknown } })
    }
    expect(await userRowOf(id)).toEqual(before)
  })
})
