import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { loginFailuresPerAccountMax, stepUpMs } from '../../src/core/limits.ts'
import { newOneTimeToken } from '../../src/db/one_time_tokens.ts'
import { sessions, users } from '../../src/db/schema.ts'
import { accountAuditLog } from '../../src/db/schema_audit.ts'
import { emailChanges } from '../../src/db/schema_identity.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { openTail } from '../support/tail.ts'
import { forgetPassword, mailsAbout } from '../support/tenancy.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'
import type { Person, World } from '../support/world.ts'

const newPassword = 'new horse, new battery'

const me = (as: string) => callFrom(randomAddress(), '/api/v1/auth/me', { as })
const logIn = ({ email }: Person, password: string) => callFrom(randomAddress(), '/api/v1/auth/login', { json: { email, password } })
const change = (world: World, json: object, as = world.owner.accessToken) => world.call('/api/v1/auth/change-password', { as, json })
const changeTo = (world: World, new_password = newPassword) => change(world, { current_password: world.owner.password, new_password })

async function auditActions({ accountId }: World): Promise<string[]> {
  const rows = await testCtx().db.select().from(accountAuditLog).where(eq(accountAuditLog.accountId, accountId)).orderBy(accountAuditLog.id)
  return rows.map(({ action }) => action).filter((action) => action.startsWith('password.'))
}

describe('changing the password', () => {
  it('ends all other sessions and their live tails, and keeps this one with its own', async () => {
    const world = await createWorld()
    const { owner } = world
    const other = await (await logIn(owner, owner.password)).json<{ access_token: string; refresh_token: string }>()
    const otherTicket = await world.call('/api/v1/logs/tail-ticket', { method: 'POST', as: other.access_token })
    const otherTail = await openTail(world, { ticket: (await otherTicket.json<{ ticket: string }>()).ticket })
    const ownTail = await openTail(world)
    const response = await changeTo(world)
    expect([response.status, await response.text()]).toEqual([204, ''])
    expect((await otherTail.closed).code).toBe(4003)
    expect((await me(other.access_token)).status).toBe(401)
    const refresh = (refresh_token: string) => callFrom(randomAddress(), '/api/v1/auth/refresh', { json: { refresh_token } })
    expect((await refresh(other.refresh_token)).status).toBe(401)
    expect((await me(owner.accessToken)).status).toBe(200)
    expect((await refresh(owner.refreshToken)).status).toBe(200)
    expect(ownTail.socket.readyState).toBe(WebSocket.OPEN)
    expect((await logIn(owner, owner.password)).status).toBe(401)
    expect((await logIn(owner, newPassword)).status).toBe(200)
  })

  it('leaves the sessions of everybody else alone', async () => {
    const world = await createWorld()
    const member = await world.addMember('member')
    expect((await changeTo(world)).status).toBe(204)
    expect((await me(member.accessToken)).status).toBe(200)
  })

  it('tells the person by mail, writes an audit entry, and counts as a proof of the password', async () => {
    const world = await createWorld()
    await forgetPassword(world.owner)
    await changeTo(world)
    expect(await mailsAbout(world.owner.userId)).toEqual([`password_changed to ${world.owner.email}`])
    expect(await auditActions(world)).toEqual(['password.change'])
    const [session] = await testCtx().db.select().from(sessions).where(eq(sessions.userId, world.owner.userId))
    expect(session?.passwordProvedAt).toBeGreaterThan(Date.now() - 60_000)
  })

  it('ends tokens to reset it and a change of e-mail, which somebody else may have started', async () => {
    const world = await createWorld()
    const { userId } = world.owner
    const { token, statement } = newOneTimeToken(testCtx(), 'reset_password', userId, 60_000)
    const waiting = {
      userId,
      newEmail: 'x@example.com',
      oldTokenHash: 'a',
      newTokenHash: 'b',
      createdAt: 1,
      expiresAt: Date.now() + 60_000,
    }
    await testCtx().db.batch([statement, testCtx().db.insert(emailChanges).values(waiting)])
    await changeTo(world)
    const response = await callFrom(randomAddress(), '/api/v1/auth/password-reset/confirm', {
      json: { token, password: 'mallory was here' },
    })
    expect(response.status).toBe(400)
    expect(await testCtx().db.select().from(emailChanges).where(eq(emailChanges.userId, userId))).toEqual([])
  })

  it('needs the old one; a wrong one counts as a failed login and changes nothing', async () => {
    const world = await createWorld()
    const wrong = () => change(world, { current_password: 'wrong', new_password: newPassword })
    for (let i = 0; i < loginFailuresPerAccountMax; i++)
      expect(await problemOf(await wrong())).toMatchObject({ status: 401, code: 'invalid_credentials' })
    expect((await wrong()).status).toBe(429)
    expect((await changeTo(world)).status).toBe(429)
    expect((await logIn(world.owner, world.owner.password)).status).toBe(429)
    expect((await me(world.owner.accessToken)).status).toBe(200)
    expect(await mailsTo(world.owner.email, 'password_changed')).toEqual([])
  })

  it.each([
    ['too short', 'seven77'],
    ['too long', 'ab12'.repeat(33)],
    ['common', 'iloveyou2'],
    ['no text', 7],
  ])('refuses a new one that is %s, by its name', async (_, new_password) => {
    const world = await createWorld()
    const problem = await problemOf(await change(world, { current_password: world.owner.password, new_password }))
    expect([problem.status, Object.keys(problem.details ?? {})]).toEqual([400, ['new_password']])
  })

  it('refuses the present one, and what is made of the names of person and organization', async () => {
    const world = await createWorld()
    const { owner, organizationId } = world
    await testCtx().db.update(users).set({ firstName: 'Theodora', lastName: 'Quill-Marsh' }).where(eq(users.id, owner.userId))
    expect(
      (
        await world.call(`/api/v1/organizations/${organizationId}`, {
          method: 'PATCH',
          as: owner.accessToken,
          json: { name: 'Umbrella Works' },
        })
      ).status,
    ).toBe(200)
    for (const new_password of [owner.password, 'theodora1985', 'quillmarsh!', 'UmbrellaWorks7', owner.email.slice(0, 40)])
      expect([new_password, (await changeTo(world, new_password)).status]).toEqual([new_password, 400])
    expect((await changeTo(world, 'under an umbrella in Quito')).status).toBe(204)
  })

  it('takes effect once when twenty come at once', async () => {
    const world = await createWorld()
    const typed = Array.from({ length: 20 }, (_, i) => `${newPassword} ${i}`)
    const statuses = await Promise.all(typed.map(async (one) => (await changeTo(world, one)).status))
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(await mailsTo(world.owner.email, 'password_changed')).toHaveLength(1)
    expect((await me(world.owner.accessToken)).status).toBe(200)
    await testCtx().db.run('delete from login_attempts')
    expect((await logIn(world.owner, typed[statuses.indexOf(204)] ?? '')).status).toBe(200)
  })
})

describe('proving the password again', () => {
  const confirm = (world: World, password: string) =>
    world.call('/api/v1/auth/confirm-password', { as: world.owner.accessToken, json: { password } })
  const rename = ({ owner, call, organizationId }: World) =>
    call(`/api/v1/organizations/${organizationId}`, { method: 'DELETE', as: owner.accessToken })

  it('opens what needs a fresh proof, in this session only', async () => {
    const world = await createWorld()
    const { owner } = world
    const other = await (await logIn(owner, owner.password)).json<{ access_token: string }>()
    await forgetPassword(owner)
    expect(await problemOf(await rename(world))).toMatchObject({ status: 403, code: 'reauthentication_required' })
    const response = await confirm(world, owner.password)
    expect(response.status).toBe(200)
    const { valid_until } = await response.json<{ valid_until: string }>()
    expect(Math.abs(Date.parse(valid_until) - Date.now() - stepUpMs)).toBeLessThan(60_000)
    expect(await auditActions(world)).toEqual(['password.confirm'])
    const byOther = await world.call(`/api/v1/organizations/${world.organizationId}`, { method: 'DELETE', as: other.access_token })
    expect(byOther.status).toBe(403)
    expect((await rename(world)).status).toBe(204)
  })

  it('counts a wrong one as a failed login and proves nothing', async () => {
    const world = await createWorld()
    await forgetPassword(world.owner)
    for (let i = 0; i < loginFailuresPerAccountMax; i++)
      expect(await problemOf(await confirm(world, 'wrong'))).toMatchObject({ status: 401, code: 'invalid_credentials' })
    const refused = await confirm(world, world.owner.password)
    expect([refused.status, Number(refused.headers.get('Retry-After')) > 800]).toEqual([429, true])
    expect((await rename(world)).status).toBe(403)
    const rows = await testCtx()
      .db.select()
      .from(accountAuditLog)
      .where(and(eq(accountAuditLog.accountId, world.accountId), eq(accountAuditLog.action, 'auth.login_failed')))
    expect(rows).toHaveLength(loginFailuresPerAccountMax)
  })

  it('takes no place of the failures when it is right', async () => {
    const world = await createWorld()
    for (let i = 0; i < loginFailuresPerAccountMax + 2; i++) expect((await confirm(world, world.owner.password)).status).toBe(200)
  })
})
