import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { organizations, users } from '../../src/db/schema.ts'
import { totpCode } from '../../src/features/auth/totp.ts'
import { problemOf } from '../support/app.ts'
import { passSecondFactor } from '../support/tenancy.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { enable, forgetSteps, login, nextCode, totpPath as path } from './second_factor_world.ts'

describe('an organization that requires a second factor', () => {
  it('refuses every session without one, and takes those that proved it', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    await testCtx().db.update(organizations).set({ requireSecondFactor: true }).where(eq(organizations.id, world.organizationId))
    const keys = async (as: string) => world.call('/api/v1/api-keys', { as })
    expect(await problemOf(await keys(member.accessToken))).toMatchObject({ status: 403, code: 'second_factor_required' })
    expect((await world.call('/api/v1/auth/me', { as: member.accessToken })).status).toBe(200)
    const { secret } = await enable(world, member)
    expect((await keys(member.accessToken)).status).toBe(200)
    const answer = await login(member, { totp_code: nextCode(secret) })
    const { access_token: token, refresh_token } = await answer.json<{ access_token: string; refresh_token: string }>()
    expect((await keys(token)).status).toBe(200)
    const refreshed = await world.call('/api/v1/auth/refresh', { json: { refresh_token } })
    expect((await keys((await refreshed.json<{ access_token: string }>()).access_token)).status).toBe(200)
    await forgetSteps(member.userId)
    const json = { totp_code: totpCode(secret, Date.now()) }
    expect((await world.call(path, { method: 'DELETE', as: member.accessToken, json })).status).toBe(204)
    for (const one of [member.accessToken, token]) expect((await keys(one)).status).toBe(403)
  })

  it('keeps those without one from managing its account, until it is deleted', async () => {
    const { accountId, organizationId, owner, call } = await createWorld()
    const { db } = testCtx()
    const manage = (more: object) => db.update(organizations).set(more).where(eq(organizations.id, organizationId))
    const paths = ['/api/v1/users', `/api/v1/accounts/${accountId}`, `/api/v1/accounts/${accountId}/audit-log`]
    const statuses = () => Promise.all(paths.map(async (one) => (await call(one, { as: owner.accessToken })).status))
    expect(await statuses()).toEqual([200, 200, 200])
    await manage({ requireSecondFactor: true })
    expect(await statuses()).toEqual([403, 403, 403])
    const refused = await problemOf(await call('/api/v1/organizations', { as: owner.accessToken, json: { name: 'Other' } }))
    expect(refused).toMatchObject({ status: 403, code: 'second_factor_required' })
    await manage({ deletedAt: Date.now() })
    expect(await statuses()).toEqual([200, 200, 200])
    await manage({ deletedAt: null })
    await passSecondFactor(owner)
    expect(await statuses()).toEqual([200, 200, 200])
  })
})

describe('staff without a second factor', () => {
  const required = { status: 403, code: 'second_factor_required' }

  it('may do nothing as staff, and what their roles allow as ever', async () => {
    const [world, other] = [await createWorld(), await createWorld()]
    const { owner } = world
    await testCtx().db.update(users).set({ isStaff: true }).where(eq(users.id, owner.userId))
    const ask = (to: string, options: object = {}) => world.call(to, { as: owner.accessToken, ...options })
    const json = { name: 'New Inc', owner_email: `new-${crypto.randomUUID()}@example.com`, owner_name: 'New' }
    for (const [to, options] of [
      [`/api/v1/organizations/${other.organizationId}`, {}],
      [`/api/v1/organizations/${other.organizationId}/members`, {}],
      [`/api/v1/accounts/${other.accountId}`, {}],
      ['/api/v1/accounts', { json }],
    ] as const)
      expect(await problemOf(await ask(to, options))).toMatchObject(required)
    const listed = async (to: string) => (await (await ask(to)).json<{ results: { id: string }[] }>()).results.map(({ id }) => id)
    expect(await listed('/api/v1/organizations')).toEqual([world.organizationId])
    expect(await listed('/api/v1/accounts')).toEqual([world.accountId])
    expect((await ask(`/api/v1/users?account_id=${other.accountId}`)).status).toBe(404)
    expect((await ask(`/api/v1/users/${other.owner.userId}`)).status).toBe(404)
    expect((await ask(`/api/v1/users/${owner.userId}`)).status).toBe(200)
    await passSecondFactor(owner)
    expect((await ask(`/api/v1/organizations/${other.organizationId}`)).status).toBe(200)
    expect((await ask(`/api/v1/users/${other.owner.userId}`)).status).toBe(200)
  })

  it('do not decide on owners where they are admins', async () => {
    const world = await createWorld()
    const admin = await world.addMember('admin')
    await testCtx().db.update(users).set({ isStaff: true }).where(eq(users.id, admin.userId))
    const promote = async () =>
      world.call(`/api/v1/organizations/${world.organizationId}/members/${world.owner.userId}`, {
        method: 'PATCH',
        as: admin.accessToken,
        json: { role: 'viewer' },
      })
    expect(await problemOf(await promote())).toMatchObject({ status: 403, code: 'forbidden' })
    await passSecondFactor(admin)
    // As staff, who may; but nobody else would own it.
    expect(await problemOf(await promote())).toMatchObject({ status: 409, code: 'last_owner' })
  })
})
