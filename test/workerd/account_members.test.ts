import { and, eq } from 'drizzle-orm'
import { beforeEach, describe, expect, it } from 'vitest'
import { accountMemberships, users } from '../../src/db/schema.ts'
import { accountAuditLog } from '../../src/db/schema_audit.ts'
import { problemOf } from '../support/app.ts'
import { askIn, forgetPassword, mailsAbout, makeStaff } from '../support/tenancy.ts'
import type { Ask } from '../support/tenancy.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})

const own = () => `/api/v1/accounts/${world.accountId}`
const member = ({ userId }: Person) => `${own()}/members/${userId}`
const ask: Ask = (method, to, options) => askIn(world, method, to, options)
const body = async (response: Promise<Response>) => (await response).json<Record<string, unknown>>()

async function rolesOf(): Promise<Record<string, string>> {
  const rows = await testCtx().db.select().from(accountMemberships).where(eq(accountMemberships.accountId, world.accountId))
  return Object.fromEntries(rows.map(({ userId, role }) => [userId, role]))
}

async function auditOf(action: string) {
  const { db } = testCtx()
  const where = and(eq(accountAuditLog.accountId, world.accountId), eq(accountAuditLog.action, action))
  return db.select().from(accountAuditLog).where(where).orderBy(accountAuditLog.id)
}

describe('the members of an account', () => {
  it('are users of it, get and lose roles, and hear of it by mail', async () => {
    const user = await world.addMember('viewer')
    expect((await ask('PATCH', member(user), { json: { role: 'admin' } })).status).toBe(404)
    expect((await ask('GET', member(user))).status).toBe(404)
    const given = await ask('PUT', member(user), { json: { role: 'admin' } })
    expect([given.status, given.headers.get('Location')]).toEqual([201, member(user)])
    const shown = await given.json<{ joined_at: string }>()
    expect(shown).toMatchObject({ user_id: user.userId, email: user.email, role: 'admin' })
    expect(Date.parse(shown.joined_at)).toBeGreaterThan(0)
    expect(await body(ask('GET', member(user)))).toEqual(shown)
    const again = await ask('PUT', member(user), { json: { role: 'admin' } })
    expect([again.status, await again.json()]).toEqual([200, shown])
    expect(await body(ask('PATCH', member(user), { json: { role: 'owner' } }))).toMatchObject({ role: 'owner' })
    const { results } = await (
      await ask('GET', `${own()}/members?ordering=joined_at`)
    ).json<{ results: { user_id: string; role: string }[] }>()
    expect(results.map(({ user_id, role }) => [user_id, role])).toEqual([
      [world.owner.userId, 'owner'],
      [user.userId, 'owner'],
    ])
    expect((await ask('DELETE', member(user))).status).toBe(204)
    expect((await ask('DELETE', member(user))).status).toBe(404)
    expect((await mailsAbout(world.accountId)).filter((mail) => mail.endsWith(user.email))).toEqual([
      `membership_changed to ${user.email}`,
      `membership_changed to ${user.email}`,
      `membership_removed to ${user.email}`,
    ])
    expect(await auditOf('account_member.create')).toMatchObject([{ targetId: user.userId, details: { role: 'admin' } }])
    expect((await auditOf('account_member.update')).map(({ changes }) => changes)).toEqual([{ role: { before: 'admin', after: 'owner' } }])
  })

  it('are listed by name, e-mail, role and time, and found by a part of name or e-mail', async () => {
    const { db } = testCtx()
    const named = async (name: string) => {
      const user = await world.addMember('viewer')
      await db.update(users).set({ name }).where(eq(users.id, user.userId))
      await ask('PUT', member(user), { json: { role: 'admin' } })
      return user
    }
    await db.update(users).set({ name: 'Mia' }).where(eq(users.id, world.owner.userId))
    const [, ada] = [await named('Zoe'), await named('Ada')]
    const names = async (query: string) => {
      const { count, results } = await (
        await ask('GET', `${own()}/members?${query}`)
      ).json<{ count: number; results: { name: string }[] }>()
      return [count, ...results.map(({ name }) => name)]
    }
    expect(await names('')).toEqual([3, 'Ada', 'Mia', 'Zoe'])
    expect(await names('ordering=-name&page_size=2')).toEqual([3, 'Zoe', 'Mia'])
    expect((await names('ordering=role'))[1]).toBe('Mia')
    expect((await names('ordering=-role'))[3]).toBe('Mia')
    expect(await names('ordering=-joined_at&page_size=1')).toEqual([3, 'Ada'])
    expect(await names('search=ZO')).toEqual([1, 'Zoe'])
    expect(await names(`search=${encodeURIComponent(ada.email.toUpperCase())}&ordering=email`)).toEqual([1, 'Ada'])
  })

  it('may give up the own role, but for the last owner', async () => {
    const [admin, plain] = [await world.addMember('viewer'), await world.addMember('owner')]
    const leave = (as: Person) => ask('POST', `${own()}/leave`, { as })
    await ask('PUT', member(admin), { json: { role: 'admin' } })
    expect((await ask('DELETE', member(admin), { as: admin })).status).toBe(403)
    expect((await leave(admin)).status).toBe(204)
    expect((await leave(admin)).status).toBe(403)
    expect((await leave(plain)).status).toBe(403)
    expect(await problemOf(await leave(world.owner))).toMatchObject({ status: 409, code: 'last_owner' })
    expect(await rolesOf()).toEqual({ [world.owner.userId]: 'owner' })
    expect(await auditOf('account_member.leave')).toMatchObject([
      { actorId: admin.userId, targetId: admin.userId, changes: { role: { before: 'admin', after: null } } },
    ])
    const staff = await createWorld()
    await makeStaff(staff.owner)
    expect((await askIn(staff, 'POST', `${own()}/leave`)).status).toBe(404)
  })

  it('hear of the last owner only where it is one: of who lost the role meanwhile, others hear that it changed', async () => {
    const second = await world.addMember('member')
    await ask('PUT', member(second), { json: { role: 'owner' } })
    const answers = await Promise.all(Array.from({ length: 6 }, () => ask('PATCH', member(second), { json: { role: 'admin' } })))
    const codes = await Promise.all(answers.map(async (answer) => (answer.ok ? 'ok' : (await problemOf(answer)).code)))
    expect(codes.filter((code) => code !== 'ok' && code !== 'conflict')).toEqual([])
    expect(codes).toContain('conflict')
  })

  it('are no users of another account, and none who are deleted', async () => {
    const [stranger, gone] = [await createWorld(), await world.addMember('member')]
    await testCtx().db.update(users).set({ deletedAt: Date.now() }).where(eq(users.id, gone.userId))
    for (const person of [stranger.owner, gone]) expect((await ask('PUT', member(person), { json: { role: 'admin' } })).status).toBe(404)
    for (const id of [world.organizationId, world.accountId])
      expect((await ask('PUT', `${own()}/members/${id}`, { json: { role: 'admin' } })).status).toBe(404)
  })

  it('always have an owner among them who can log in', async () => {
    const refused = async () => {
      for (const [method, json] of [
        ['PUT', { role: 'admin' }],
        ['PATCH', { role: 'admin' }],
        ['DELETE', undefined],
      ] as const)
        expect(await problemOf(await ask(method, member(world.owner), { json }))).toMatchObject({ status: 409, code: 'last_owner' })
    }
    await refused()
    const second = await world.addMember('member')
    await ask('PUT', member(second), { json: { role: 'owner' } })
    await testCtx().db.update(users).set({ deletedAt: Date.now() }).where(eq(users.id, second.userId))
    await refused()
  })

  it('of whom two leave at once, keep one owner', async () => {
    const second = await world.addMember('member')
    await ask('PUT', member(second), { json: { role: 'owner' } })
    const answers = await Promise.all([ask('DELETE', member(world.owner)), ask('DELETE', member(second), { as: second })])
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    expect(Object.values(await rolesOf())).toEqual(['owner'])
  })

  it('are changed by owners only, who prove their password', async () => {
    const admin = await world.addMember('member')
    await ask('PUT', member(admin), { json: { role: 'admin' } })
    expect((await ask('PUT', member(admin), { as: admin, json: { role: 'owner' } })).status).toBe(403)
    expect((await ask('GET', `${own()}/members`, { as: admin })).status).toBe(200)
    await forgetPassword(world.owner)
    for (const [method, to, json] of [
      ['PUT', member(admin), { role: 'owner' }],
      ['PATCH', member(admin), { role: 'owner' }],
      ['DELETE', member(admin), undefined],
      ['POST', `${own()}/transfer`, { user_id: admin.userId }],
    ] as const)
      expect(await problemOf(await ask(method, to, { json }))).toMatchObject({ status: 403, code: 'reauthentication_required' })
  })
})
