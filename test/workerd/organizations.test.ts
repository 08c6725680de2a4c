import { env } from 'cloudflare:test'
import { and, eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { deletedKeptMs, organizationsPerAccountMax } from '../../src/core/limits.ts'
import { memberships, organizations, sessions, tasks, users } from '../../src/db/schema.ts'
import { accountAuditLog } from '../../src/db/schema_audit.ts'
import { sweepTasks } from '../../src/jobs/task_sweep.ts'
import { problemOf } from '../support/app.ts'
import { openTail } from '../support/tail.ts'
import { askIn, changesIn, defaultOf, forgetPassword, mailsAbout, makeStaff, passSecondFactor, rolesIn } from '../support/tenancy.ts'
import type { Ask, OrganizationBody } from '../support/tenancy.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { auditOf, deliver, withJobs } from './control_world.ts'

const path = '/api/v1/organizations'
let world: World
beforeEach(async () => {
  world = await createWorld()
})

const own = () => `${path}/${world.organizationId}`
const ask: Ask = (method, to, options) => askIn(world, method, to, options)
const body = async (response: Promise<Response>) => (await response).json<OrganizationBody>()
const create = (name: string, as = world.owner) => body(ask('POST', path, { as, json: { name } }))
const list = async (query = '', as = world.owner) =>
  (await (await ask('GET', `${path}?${query}`, { as })).json<{ count: number; results: OrganizationBody[] }>()).results
const statuses = (answers: Response[]) => answers.map(({ status }) => status).toSorted((a, b) => a - b)

describe('the list of organizations', () => {
  it('shows those that the caller is a member of, and what the caller is there', async () => {
    const viewer = await world.addMember('viewer')
    expect(await list()).toMatchObject([{ id: world.organizationId, roles: ['owner', 'account_admin'], deleted_at: null }])
    expect(await list('', viewer)).toMatchObject([{ id: world.organizationId, roles: ['viewer'] }])
  })

  it('shows who runs the account all of its organizations, and nobody those of another account', async () => {
    const { id } = await create('Second')
    await testCtx().db.delete(memberships).where(eq(memberships.organizationId, id))
    const viewer = await world.addMember('viewer')
    expect((await list('ordering=name')).map(({ name, roles }) => [name, roles])).toEqual([
      ['Second', ['account_admin']],
      ['Test', ['owner', 'account_admin']],
    ])
    expect(await list('', viewer)).toHaveLength(1)
    expect(await list(`search=${id}`)).toMatchObject([{ id }])
    expect(await list('search=SEC')).toMatchObject([{ id }])
    const stranger = await createWorld()
    expect(await list(`search=${id}`, stranger.owner)).toEqual([])
  })

  it('shows staff those of all accounts, which is audited', async () => {
    const staff = await createWorld()
    await makeStaff(staff.owner)
    const found = await askIn(staff, 'GET', `${path}?search=${world.organizationId}`)
    expect(await found.json()).toMatchObject({ count: 1, results: [{ id: world.organizationId, roles: ['staff'] }] })
    const entries = await testCtx()
      .db.select()
      .from(accountAuditLog)
      .where(and(eq(accountAuditLog.accountId, staff.accountId), eq(accountAuditLog.action, 'staff.act')))
    expect(entries).toMatchObject([{ action: 'staff.act', actorId: staff.owner.userId, details: { route: 'organizations.list' } }])
  })
})

describe('creating an organization', () => {
  it('makes the caller its owner, in the own account, and is audited', async () => {
    const { id, ...rest } = await create(' Second ')
    expect(rest).toMatchObject({
      name: 'Second',
      account_id: world.accountId,
      roles: ['owner', 'account_admin'],
      audit_days: 365,
      retention_days: 30,
    })
    expect(await rolesIn(id)).toEqual({ [world.owner.userId]: 'owner' })
    expect(await auditOf({ organizationId: id }, 'organization.*')).toMatchObject([
      { action: 'organization.create', details: { name: 'Second' } },
    ])
    expect(await body(ask('GET', `${path}/${id}`))).toMatchObject({ id })
  })

  it('takes a role in the account, not in another organization', async () => {
    const admin = await world.addMember('admin')
    expect((await ask('POST', path, { as: admin, json: { name: 'x' } })).status).toBe(403)
  })

  it('stops at the limit of an account, also when requests race', async () => {
    const { db } = testCtx()
    const rows = Array.from({ length: organizationsPerAccountMax - 2 }, (_, i) => ({
      id: `${world.accountId}-${i}`,
      accountId: world.accountId,
      name: 'x',
      createdAt: 0,
      updatedAt: 0,
    }))
    for (let i = 0; i < rows.length; i += 6) await db.insert(organizations).values(rows.slice(i, i + 6))
    const answers = await Promise.all([1, 2, 3].map(() => ask('POST', path, { json: { name: 'x' } })))
    expect(statuses(answers)).toEqual([201, 409, 409])
  })

  it.each([{}, { name: '' }, { name: 'x', account_id: crypto.randomUUID() }, { name: 'x', id: crypto.randomUUID() }, { name: 7 }])(
    'refuses %j',
    async (json) => {
      expect((await ask('POST', path, { json })).status).toBe(400)
    },
  )
})

describe('changing an organization', () => {
  it('changes what is named, and the audit log has it before and after', async () => {
    expect(await body(ask('PATCH', own(), { json: { name: 'New', audit_days: 90 } }))).toMatchObject({ name: 'New', audit_days: 90 })
    await ask('PATCH', own(), { json: { name: 'New' } })
    expect((await ask('PATCH', own(), { json: {} })).status).toBe(400)
    expect(await changesIn(world.organizationId, 'organization.update')).toEqual([
      { name: { before: 'Test', after: 'New' }, audit_days: { before: 365, after: 90 } },
    ])
  })

  it('as a whole takes every field', async () => {
    expect((await ask('PUT', own(), { json: { name: 'x' } })).status).toBe(400)
    const json = { name: 'Whole', require_second_factor: false, audit_days: 30 }
    expect(await body(ask('PUT', own(), { json }))).toMatchObject(json)
  })

  it.each([
    { audit_days: 29 },
    { audit_days: 3651 },
    { audit_days: 30.5 },
    { account_id: crypto.randomUUID() },
    { deleted_at: null },
    { retention_days: 1 },
  ])('refuses %j', async (json) => {
    expect((await ask('PATCH', own(), { json })).status).toBe(400)
  })

  it('is for those who manage it', async () => {
    for (const [role, status] of [
      ['admin', 200],
      ['member', 403],
      ['viewer', 403],
    ] as const)
      expect((await ask('PATCH', own(), { as: await world.addMember(role), json: { name: role } })).status).toBe(status)
    const { key } = await world.createKey('admin')
    expect((await world.call(own(), { as: key })).status).toBe(403)
  })

  it('can require a second factor of everybody only from a session that passed one, and ends the tails of those without', async () => {
    const member = await world.addMember('member')
    expect(await problemOf(await ask('PATCH', own(), { json: { require_second_factor: true } }))).toMatchObject({
      status: 403,
      code: 'second_factor_required',
    })
    expect(await body(ask('GET', own()))).toMatchObject({ require_second_factor: false })
    const tail = await openTail(world)
    await testCtx().db.update(sessions).set({ secondFactorAt: Date.now() }).where(eq(sessions.userId, world.owner.userId))
    expect(await body(ask('PATCH', own(), { json: { require_second_factor: true } }))).toMatchObject({ require_second_factor: true })
    expect(await tail.closed).toMatchObject({ code: 4003 })
    expect((await ask('GET', own(), { as: member })).status).toBe(403)
    expect((await ask('GET', own())).status).toBe(200)
  })
})

describe('weakening an organization', () => {
  const again = { status: 403, code: 'reauthentication_required' }

  it('takes the password again: no second factor any more, or a shorter audit log', async () => {
    await passSecondFactor(world.owner)
    expect((await ask('PATCH', own(), { json: { require_second_factor: true, audit_days: 90 } })).status).toBe(200)
    await forgetPassword(world.owner)
    for (const json of [{ require_second_factor: false }, { audit_days: 89 }])
      expect(await problemOf(await ask('PATCH', own(), { json }))).toMatchObject(again)
    const whole = { name: 'Whole', require_second_factor: false, audit_days: 90 }
    expect(await problemOf(await ask('PUT', own(), { json: whole }))).toMatchObject(again)
    expect((await ask('PATCH', own(), { json: { name: 'New', audit_days: 91 } })).status).toBe(200)
    expect(await body(ask('GET', own()))).toMatchObject({ name: 'New', require_second_factor: true, audit_days: 91 })
  })
})

describe('deleting an organization', () => {
  it('ends every access to it at once: tokens, keys and live tails', async () => {
    const { key } = await world.createKey('admin')
    const { key: ingest } = await world.createKey('ingest')
    expect((await world.call('/api/v1/logs', { as: ingest, json: { message: 'x' } })).status).toBe(201)
    expect((await world.call('/api/v1/logs', { as: key })).status).toBe(200)
    const tail = await openTail(world)
    expect((await ask('DELETE', own())).status).toBe(204)
    expect((await world.call('/api/v1/logs', { as: ingest, json: { message: 'x' } })).status).toBe(401)
    expect((await world.call('/api/v1/logs', { as: key })).status).toBe(401)
    expect(await tail.closed).toMatchObject({ code: 4003 })
    expect((await ask('GET', own())).status).toBe(404)
    const named = { 'X-Organization-Id': world.organizationId }
    expect((await world.call('/api/v1/logs', { as: world.owner.accessToken, headers: named })).status).toBe(404)
    expect((await world.call('/api/v1/logs', { as: world.owner.accessToken })).status).toBe(403)
    expect(await list()).toEqual([])
    expect(await list('deleted=true')).toMatchObject([{ id: world.organizationId }])
  })

  it('tells its owners by mail, and is audited, once however often it is asked for at once', async () => {
    const second = await world.addMember('owner')
    const answers = await Promise.all([1, 2, 3].map(() => ask('DELETE', own())))
    expect(statuses(answers)).toEqual([204, 404, 404])
    expect(await mailsAbout(world.organizationId)).toEqual(
      [`organization_deleted to ${world.owner.email}`, `organization_deleted to ${second.email}`].toSorted(),
    )
    expect(await auditOf(world, 'organization.delete')).toHaveLength(1)
  })

  it('takes the password again, and the right to', async () => {
    for (const role of ['admin', 'member', 'viewer'] as const)
      expect((await ask('DELETE', own(), { as: await world.addMember(role) })).status).toBe(403)
    await forgetPassword(world.owner)
    expect(await problemOf(await ask('DELETE', own()))).toMatchObject({ status: 403, code: 'reauthentication_required' })
    expect((await ask('GET', own())).status).toBe(200)
  })

  it('gives everybody the next of their organizations as default', async () => {
    const { id } = await create('Second')
    const member = await world.addMember('member')
    await ask('DELETE', own())
    expect([await defaultOf(world.owner), await defaultOf(member)]).toEqual([id, null])
    expect((await world.call('/api/v1/logs', { as: world.owner.accessToken })).status).toBe(200)
    await ask('POST', `${own()}/restore`)
    expect([await defaultOf(world.owner), await defaultOf(member)]).toEqual([id, world.organizationId])
  })
})

it('the tasks of a deleted organization wait until it is restored', async () => {
  const { db, newId } = testCtx()
  const { organizationId } = world
  const id = newId()
  const old = { createdAt: 0, updatedAt: 0, createdBy: world.owner.userId }
  await db
    .insert(tasks)
    .values({ organizationId, id, kind: 'erase', status: 'PENDING', params: { q: 'x', from_ms: 0, to_ms: 1 }, state: {}, ...old })
  const { ctx, sent } = withJobs()
  const sweep = async () => {
    await sweepTasks(ctx)
    return sent.splice(0).filter(({ job }) => job.kind === 'task' && job.task_id === id)
  }
  const stateOf = async () => (await db.select({ status: tasks.status }).from(tasks).where(eq(tasks.id, id)))[0]?.status
  await ask('DELETE', own())
  expect(await sweep()).toEqual([])
  await deliver(ctx, { kind: 'task', organization_id: organizationId, task_id: id, step: 0 })
  expect(await stateOf()).toBe('PENDING')
  await ask('POST', `${own()}/restore`)
  const [due] = await sweep()
  await deliver(ctx, due?.job)
  expect(await stateOf()).toBe('SUCCESS')
})

describe('restoring an organization', () => {
  it('brings back all that it had', async () => {
    const { key } = await world.createKey('admin')
    const viewer = await world.addMember('viewer')
    await world.call('/api/v1/logs', { as: world.owner.accessToken, json: { message: 'kept' } })
    await ask('DELETE', own())
    expect(await body(ask('POST', `${own()}/restore`))).toMatchObject({ id: world.organizationId, deleted_at: null })
    const found = await (await world.call('/api/v1/logs', { as: key })).json<{ results: { message: string }[] }>()
    expect(found.results).toMatchObject([{ message: 'kept' }])
    expect((await world.call('/api/v1/logs', { as: viewer.accessToken })).status).toBe(200)
    expect((await ask('POST', `${own()}/restore`)).status).toBe(409)
  })

  it('is for who may delete it, for thirty days', async () => {
    await ask('DELETE', own())
    expect((await ask('POST', `${own()}/restore`, { as: await world.addMember('admin') })).status).toBe(403)
    const stranger = await createWorld()
    expect((await ask('POST', `${own()}/restore`, { as: stranger.owner })).status).toBe(404)
    await testCtx()
      .db.update(organizations)
      .set({ deletedAt: Date.now() - deletedKeptMs - 1 })
      .where(eq(organizations.id, world.organizationId))
    expect((await ask('POST', `${own()}/restore`)).status).toBe(404)
    expect(await list('deleted=true')).toEqual([])
  })

  it('waits for an owner who is not deleted', async () => {
    const staff = await createWorld()
    await makeStaff(staff.owner)
    await ask('DELETE', own())
    const owner = eq(users.id, world.owner.userId)
    await testCtx().db.update(users).set({ deletedAt: Date.now() }).where(owner)
    const restore = () => askIn(staff, 'POST', `${own()}/restore`)
    expect(await problemOf(await restore())).toMatchObject({ status: 409, code: 'last_owner' })
    await testCtx().db.update(users).set({ deletedAt: null }).where(owner)
    expect((await restore()).status).toBe(200)
  })

  it('waits for room in the account', async () => {
    await ask('DELETE', own())
    const fill = Array.from(
      { length: organizationsPerAccountMax },
      (_, i) => `('${world.accountId}-${i}', '${world.accountId}', 'x', 0, 0)`,
    )
    await env.DB.exec(`insert into organizations (id, account_id, name, created_at, updated_at) values ${fill.join(', ')}`)
    expect(await problemOf(await ask('POST', `${own()}/restore`))).toMatchObject({ status: 409, code: 'conflict' })
    await env.DB.exec(`delete from organizations where id = '${world.accountId}-0'`)
    expect((await ask('POST', `${own()}/restore`)).status).toBe(200)
  })
})
