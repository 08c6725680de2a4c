import { and, eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { deletedKeptMs } from '../../src/core/limits.ts'
import { accountMemberships, accounts, users } from '../../src/db/schema.ts'
import { accountAuditLog, auditLog } from '../../src/db/schema_audit.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { openTail } from '../support/tail.ts'
import { askIn, defaultOf, forgetPassword, mailsAbout, makeStaff } from '../support/tenancy.ts'
import type { Ask } from '../support/tenancy.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'

const path = '/api/v1/accounts'
let world: World
beforeEach(async () => {
  world = await createWorld()
})

const own = () => `${path}/${world.accountId}`
const member = ({ userId }: Person) => `${own()}/members/${userId}`
const ask: Ask = (method, to, options) => askIn(world, method, to, options)
const statuses = (answers: Response[]) => answers.map(({ status }) => status).toSorted((a, b) => a - b)
const body = async (response: Promise<Response>) => (await response).json<Record<string, unknown>>()
const list = async (query = '', as = world.owner) =>
  (await (await ask('GET', `${path}?${query}`, { as })).json<{ results: { id: string; roles: string[] }[] }>()).results

async function rolesOf(accountId = world.accountId): Promise<Record<string, string>> {
  const rows = await testCtx().db.select().from(accountMemberships).where(eq(accountMemberships.accountId, accountId))
  return Object.fromEntries(rows.map(({ userId, role }) => [userId, role]))
}

async function auditOf(action: string, accountId = world.accountId) {
  const { db } = testCtx()
  const where = and(eq(accountAuditLog.accountId, accountId), eq(accountAuditLog.action, action))
  return db.select().from(accountAuditLog).where(where).orderBy(accountAuditLog.id)
}

async function newStaff(): Promise<World> {
  const staff = await createWorld()
  await makeStaff(staff.owner)
  return staff
}

describe('the list of accounts', () => {
  it('is the caller’s own one, with or without a role in it', async () => {
    const viewer = await world.addMember('viewer')
    expect(await list()).toMatchObject([{ id: world.accountId, roles: ['owner'] }])
    expect(await list('', viewer)).toMatchObject([{ id: world.accountId, roles: [] }])
    const stranger = await createWorld()
    expect(await list(`search=${world.accountId}`, stranger.owner)).toEqual([])
  })

  it('is all of them for staff, which is audited', async () => {
    const staff = await newStaff()
    const found = await (await askIn(staff, 'GET', `${path}?search=${world.accountId}`)).json()
    expect(found).toMatchObject({ count: 1, results: [{ id: world.accountId, roles: ['staff'] }] })
    expect(await auditOf('staff.act', staff.accountId)).toMatchObject([{ details: { route: 'accounts.list' } }])
  })
})

describe('creating an account', () => {
  it('is for staff, and makes its owner, who chooses a password by mail', async () => {
    const staff = await newStaff()
    const owner_email = `boss-${crypto.randomUUID()}@example.com`
    const json = { name: 'Big Inc', owner_email, owner_name: 'Boss' }
    expect((await ask('POST', path, { json })).status).toBe(403)
    const answers = await Promise.all([1, 2, 3].map(() => askIn(staff, 'POST', path, { json })))
    expect(statuses(answers)).toEqual([201, 409, 409])
    const made = await answers.find(({ status }) => status === 201)?.json<{ id: string }>()
    const id = made?.id ?? ''
    const [user] = await testCtx().db.select().from(users).where(eq(users.email, owner_email))
    expect(user).toMatchObject({ accountId: id, name: 'Boss', emailVerifiedAt: null })
    expect(await rolesOf(id)).toEqual({ [user?.id ?? '']: 'owner' })
    expect(await mailsAbout(user?.id ?? '')).toEqual([`set_password to ${owner_email}`])
    expect(await auditOf('account.create', id)).toMatchObject([
      { actorId: staff.owner.userId, details: { name: 'Big Inc', owner: user?.id } },
    ])
  })
})

describe('an account', () => {
  it('is renamed by who manages it, with the audit log knowing both names', async () => {
    const admin = await world.addMember('viewer')
    await ask('PUT', member(admin), { json: { role: 'admin' } })
    expect(await body(ask('PATCH', own(), { as: admin, json: { name: 'New' } }))).toMatchObject({ name: 'New', roles: ['admin'] })
    expect(await body(ask('PUT', own(), { json: { name: 'New' } }))).toMatchObject({ name: 'New' })
    expect((await auditOf('account.update')).map(({ changes }) => changes)).toEqual([{ name: { before: 'Test', after: 'New' } }])
    expect((await ask('PATCH', own(), { as: await world.addMember('admin'), json: { name: 'x' } })).status).toBe(403)
    expect((await ask('GET', own(), { as: await world.addMember('owner') })).status).toBe(403)
  })

  it('is not found under the id of another, of an organization, a user or a key', async () => {
    const other = await createWorld()
    const { id: keyId } = await world.createKey('query')
    for (const id of [other.accountId, other.organizationId, world.organizationId, world.owner.userId, keyId])
      for (const [method, more, json] of [
        ['GET', '', undefined],
        ['PATCH', '', { name: 'mine' }],
        ['DELETE', '', undefined],
        ['POST', '/restore', undefined],
        ['POST', '/transfer', { user_id: world.owner.userId }],
        ['GET', '/members', undefined],
        ['PUT', `/members/${world.owner.userId}`, { role: 'owner' }],
        ['DELETE', `/members/${other.owner.userId}`, undefined],
      ] as const)
        expect([id, method, more, (await ask(method, `${path}/${id}${more}`, { json })).status]).toEqual([id, method, more, 404])
    expect(await rolesOf(other.accountId)).toEqual({ [other.owner.userId]: 'owner' })
  })
})

describe('deleting an account', () => {
  it('ends all its organizations at once, and a restore brings them back', async () => {
    const [{ key }, { key: laterKey }] = [await world.createKey('admin'), await world.createKey('query')]
    expect((await world.call('/api/v1/logs', { as: key })).status).toBe(200)
    const viewer = await world.addMember('viewer')
    const tail = await openTail(world)
    expect((await ask('DELETE', own())).status).toBe(204)
    expect(await tail.closed).toMatchObject({ code: 4003 })
    expect((await world.call('/api/v1/logs', { as: key })).status).toBe(401)
    expect((await ask('GET', `/api/v1/organizations/${world.organizationId}`)).status).toBe(404)
    expect((await world.call('/api/v1/logs', { as: viewer.accessToken })).status).toBe(403)
    expect((await ask('POST', '/api/v1/organizations', { json: { name: 'x' } })).status).toBe(404)
    expect((await ask('POST', `/api/v1/organizations/${world.organizationId}/restore`)).status).toBe(404)
    expect(await list()).toEqual([])
    expect(await list('deleted=true', viewer)).toEqual([])
    expect(await list('deleted=true')).toMatchObject([{ id: world.accountId }])
    expect((await ask('POST', `${own()}/restore`, { as: viewer })).status).toBe(403)
    expect((await ask('POST', `${own()}/restore`)).status).toBe(200)
    expect((await ask('POST', `${own()}/restore`)).status).toBe(409)
    // The other key is known as a dead one for some seconds more.
    expect((await world.call('/api/v1/logs', { as: laterKey })).status).toBe(200)
    expect(await defaultOf(viewer)).toBe(world.organizationId)
    expect((await world.call('/api/v1/logs', { as: viewer.accessToken })).status).toBe(200)
  })

  it('is restored only once an owner of it is', async () => {
    const staff = await newStaff()
    await ask('DELETE', own())
    const owner = eq(users.id, world.owner.userId)
    await testCtx().db.update(users).set({ deletedAt: Date.now() }).where(owner)
    const restore = () => askIn(staff, 'POST', `${own()}/restore`)
    expect(await problemOf(await restore())).toMatchObject({ status: 409, code: 'last_owner' })
    await testCtx().db.update(users).set({ deletedAt: null }).where(owner)
    expect((await restore()).status).toBe(200)
  })

  it('tells its owners, is audited, takes the password again, and happens once', async () => {
    await forgetPassword(world.owner)
    expect(await problemOf(await ask('DELETE', own()))).toMatchObject({ code: 'reauthentication_required' })
    const { owner } = world
    const login = await world.call('/api/v1/auth/login', { json: { email: owner.email, password: owner.password } })
    const fresh = { ...owner, accessToken: (await login.json<{ access_token: string }>()).access_token }
    const answers = await Promise.all([1, 2, 3].map(() => ask('DELETE', own(), { as: fresh })))
    expect(statuses(answers)).toEqual([204, 404, 404])
    expect(await mailsAbout(world.accountId)).toContain(`organization_deleted to ${owner.email}`)
    expect(await mailsTo(owner.email, 'organization_deleted')).toMatchObject([{ thing: 'account', name: 'Test' }])
    expect(await auditOf('account.delete')).toHaveLength(1)
    await testCtx()
      .db.update(accounts)
      .set({ deletedAt: Date.now() - deletedKeptMs - 1 })
      .where(eq(accounts.id, world.accountId))
    expect((await ask('POST', `${own()}/restore`, { as: fresh })).status).toBe(404)
  })
})

describe('handing an account over', () => {
  const transfer = ({ userId }: { userId: string }, as = world.owner) => ask('POST', `${own()}/transfer`, { as, json: { user_id: userId } })

  it('makes a user of it owner and the owner admin, tells both, and is audited', async () => {
    const user = await world.addMember('viewer')
    expect(await body(transfer(user))).toMatchObject({ roles: ['admin'] })
    expect(await rolesOf()).toEqual({ [user.userId]: 'owner', [world.owner.userId]: 'admin' })
    expect(await mailsAbout(world.accountId)).toEqual(
      [`ownership_transferred to ${user.email}`, `ownership_transferred to ${world.owner.email}`].toSorted(),
    )
    expect(await auditOf('account.transfer')).toMatchObject([{ details: { to: user.userId, from: [world.owner.userId] } }])
    expect((await transfer(world.owner)).status).toBe(403)
  })

  it('succeeds once when it races, and not to strangers or oneself', async () => {
    const [a, b, stranger] = [await world.addMember('admin'), await world.addMember('member'), await createWorld()]
    for (const to of [world.owner, stranger.owner, { userId: world.organizationId }]) expect((await transfer(to)).status).toBe(422)
    const answers = await Promise.all([transfer(a), transfer(b)])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(Object.values(await rolesOf()).filter((role) => role === 'owner')).toHaveLength(1)
  })

  it('by staff leaves the new owner alone, which the audit log of the account says', async () => {
    const staff = await newStaff()
    const user = await world.addMember('member')
    expect((await askIn(staff, 'POST', `${own()}/transfer`, { json: { user_id: user.userId } })).status).toBe(200)
    expect(await rolesOf()).toEqual({ [user.userId]: 'owner', [world.owner.userId]: 'admin' })
    expect(await auditOf('staff.act')).toMatchObject([{ actorId: staff.owner.userId, details: { route: 'accounts.transfer' } }])
  })
})

it('staff sees and manages every account and organization but reads no logs, and each act is audited there', async () => {
  const staff = await newStaff()
  const organization = `/api/v1/organizations/${world.organizationId}`
  for (const [method, to, json] of [
    ['GET', own(), undefined],
    ['PATCH', own(), { name: 'Renamed' }],
    ['GET', `${own()}/members`, undefined],
    ['DELETE', own(), undefined],
    ['POST', `${own()}/restore`, undefined],
    ['GET', organization, undefined],
    ['PATCH', organization, { name: 'Renamed' }],
    ['DELETE', organization, undefined],
    ['POST', `${organization}/restore`, undefined],
  ] as const)
    expect([method, to, (await askIn(staff, method, to, { json })).status]).toEqual([method, to, method === 'DELETE' ? 204 : 200])
  const headers = { 'X-Organization-Id': world.organizationId }
  expect((await staff.call('/api/v1/logs', { as: staff.owner.accessToken, headers })).status).toBe(403)
  expect((await auditOf('staff.act')).map(({ details }) => details['route'])).toEqual([
    'accounts.get',
    'accounts.update',
    'account_members.list',
    'accounts.delete',
    'accounts.restore',
  ])
  const { db } = testCtx()
  const where = and(eq(auditLog.organizationId, world.organizationId), eq(auditLog.action, 'staff.act'))
  expect((await db.select().from(auditLog).where(where).orderBy(auditLog.id)).map(({ details }) => details['route'])).toEqual([
    'organizations.get',
    'organizations.update',
    'organizations.delete',
    'organizations.restore',
  ])
})
