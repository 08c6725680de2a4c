import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { failedCodeMailEveryMs, loginFailuresPerAccountMax, recoveryCodesCount, stepUpMs, totpSetupMs } from '../../src/core/limits.ts'
import { mailParamsOf } from '../../src/db/mails.ts'
import { sessions, users } from '../../src/db/schema.ts'
import { mails } from '../../src/db/schema_content.ts'
import { loginAttempts, recoveryCodes, secondFactors } from '../../src/db/schema_identity.ts'
import { beginCheck } from '../../src/features/auth/begin_check.ts'
import { deviceOf } from '../../src/features/auth/device.ts'
import { openSession } from '../../src/features/auth/open_session.ts'
import { totpCode } from '../../src/features/auth/totp.ts'
import { problemOf } from '../support/app.ts'
import { openTail } from '../support/tail.ts'
import { createWorld, testCtx } from '../support/world.ts'
import { accountAuditOf } from './control_world.ts'
import { enable, login, nextCode, stepMs, totpPath as path } from './second_factor_world.ts'

async function mailsTo(email: string): Promise<{ kind: string; params: unknown }[]> {
  const ctx = testCtx()
  const rows = await ctx.db.select().from(mails).where(eq(mails.recipient, email)).orderBy(mails.id)
  return rows.map((row) => ({ kind: row.kind, params: row.sealedParams === '' ? null : mailParamsOf(ctx, row) }))
}

describe('setting up a second factor', () => {
  it('shows the secret once, and nothing changes before a code confirms it', async () => {
    const world = await createWorld()
    const begun = await world.call(path, { method: 'POST', as: world.owner.accessToken })
    const { secret, otpauth_uri } = await begun.json<{ secret: string; otpauth_uri: string }>()
    expect(new URL(otpauth_uri).searchParams.get('secret')).toBe(secret)
    expect(await (await world.call(path, { as: world.owner.accessToken })).json()).toEqual({
      enabled: false,
      confirmed_at: null,
      recovery_codes_left: 0,
    })
    expect((await login(world.owner)).status).toBe(200)
    const [row] = await testCtx().db.select().from(secondFactors).where(eq(secondFactors.userId, world.owner.userId))
    expect(JSON.stringify(row)).not.toContain(secret)
  })

  it('gives ten recovery codes, stored hashed, tells by mail and in the audit log, and proves the session', async () => {
    const world = await createWorld()
    const { recoveryCodes: codes, secret } = await enable(world)
    expect(new Set(codes).size).toBe(recoveryCodesCount)
    expect(await (await world.call(path, { as: world.owner.accessToken })).json()).toMatchObject({
      enabled: true,
      recovery_codes_left: recoveryCodesCount,
    })
    const stored = JSON.stringify(await testCtx().db.select().from(recoveryCodes).where(eq(recoveryCodes.userId, world.owner.userId)))
    for (const code of codes) expect(stored).not.toContain(code.replaceAll('-', ''))
    expect((await mailsTo(world.owner.email)).map(({ kind }) => kind)).toEqual(['second_factor_enabled'])
    const entries = await accountAuditOf(world, 'second_factor.*')
    expect(entries.map(({ action }) => action)).toEqual(['second_factor.begin', 'second_factor.enable'])
    expect(JSON.stringify(entries)).not.toContain(secret)
    const { results } = await (await world.call('/api/v1/auth/sessions', { as: world.owner.accessToken })).json<{ results: object[] }>()
    expect(results).toMatchObject([{ is_current: true, second_factor: true }])
  })

  it('ends all other sessions, which a password alone opened, with their live tails', async () => {
    const world = await createWorld()
    const opened = await login(world.owner)
    const { access_token: other, refresh_token } = await opened.json<{ access_token: string; refresh_token: string }>()
    const tail = await openTail({ ...world, owner: { ...world.owner, accessToken: other } })
    await enable(world)
    expect(await tail.closed).toMatchObject({ code: 4003 })
    expect((await world.call('/api/v1/auth/me', { as: other })).status).toBe(401)
    expect((await world.call('/api/v1/auth/refresh', { json: { refresh_token } })).status).toBe(401)
    expect((await world.call('/api/v1/auth/me', { as: world.owner.accessToken })).status).toBe(200)
  })

  it('needs the password of just now, and a code that is right, for a secret that is fresh', async () => {
    const world = await createWorld()
    const { db } = testCtx()
    const call = (json?: object) => world.call(json ? `${path}/confirm` : path, { method: 'POST', as: world.owner.accessToken, json })
    expect(await problemOf(await call({ code: '123456' }))).toMatchObject({ status: 409, code: 'conflict' })
    const { secret } = await (await call()).json<{ secret: string }>()
    const wrong = totpCode(secret, Date.now() + 1000 * stepMs)
    expect(await problemOf(await call({ code: wrong }))).toMatchObject({ status: 422, details: { code: [expect.any(String)] } })
    const proved = (passwordProvedAt: number) =>
      db.update(sessions).set({ passwordProvedAt }).where(eq(sessions.userId, world.owner.userId))
    await proved(Date.now() - stepUpMs - 1)
    expect(await problemOf(await call())).toMatchObject({ status: 403, code: 'reauthentication_required' })
    await db
      .update(secondFactors)
      .set({ createdAt: Date.now() - totpSetupMs })
      .where(eq(secondFactors.userId, world.owner.userId))
    expect((await call({ code: totpCode(secret, Date.now()) })).status).toBe(409)
  })

  it('replaces a secret that waits, and none that is at work', async () => {
    const world = await createWorld()
    const begin = () => world.call(path, { method: 'POST', as: world.owner.accessToken })
    const first = await (await begin()).json<{ secret: string }>()
    const second = await (await begin()).json<{ secret: string }>()
    const confirm = (code: string) => world.call(`${path}/confirm`, { as: world.owner.accessToken, json: { code } })
    expect((await confirm(totpCode(first.secret, Date.now()))).status).toBe(422)
    const both = await Promise.all([1, 2].map(() => confirm(totpCode(second.secret, Date.now()))))
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 409]))
    const { recovery_codes: codes } = await (both.find(({ status }) => status === 200) as Response).json<{ recovery_codes: string[] }>()
    expect((await login(world.owner, { recovery_code: codes[0] })).status).toBe(200)
    expect(await problemOf(await begin())).toMatchObject({ status: 409, code: 'conflict' })
  })
})

describe('logging in with a second factor', () => {
  it('asks for a code only after the right password, and counts no failure for that', async () => {
    const world = await createWorld()
    const { secret } = await enable(world)
    for (let i = 0; i < loginFailuresPerAccountMax + 1; i += 1) {
      const answer = await login(world.owner)
      expect(answer.headers.get('WWW-Authenticate')).toContain('Bearer')
      expect(await problemOf(answer)).toMatchObject({ status: 401, code: 'second_factor_needed' })
    }
    const wrong = { ...world.owner, password: 'wrong password' }
    expect(await problemOf(await login(wrong))).toMatchObject({ code: 'invalid_credentials' })
    expect(await problemOf(await login(wrong, { totp_code: nextCode(secret) }))).toMatchObject({ code: 'invalid_credentials' })
    expect((await login(world.owner, { totp_code: nextCode(secret) })).status).toBe(200)
  })

  it('takes a code once: not the one of the set-up, no older one, and of twenty at once one', async () => {
    const world = await createWorld()
    const { secret } = await enable(world)
    expect(await problemOf(await login(world.owner, { totp_code: totpCode(secret, Date.now()) }))).toMatchObject({
      status: 401,
      code: 'second_factor_needed',
    })
    const code = nextCode(secret)
    const answers = await Promise.all(Array.from({ length: 20 }, () => login(world.owner, { totp_code: code })))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.every((status) => [200, 401, 429].includes(status))).toBe(true)
  })

  it('counts wrong codes as failed logins, right password or not', async () => {
    const world = await createWorld()
    const { secret, recoveryCodes: codes } = await enable(world)
    const wrong = totpCode(secret, Date.now() + 1000 * stepMs)
    for (let i = 0; i < loginFailuresPerAccountMax; i += 1) {
      const answer = await login(world.owner, i % 2 === 0 ? { totp_code: wrong } : { recovery_code: `wrong ${i}` })
      expect(await problemOf(answer)).toMatchObject({ status: 401, code: 'second_factor_needed' })
    }
    expect((await login(world.owner, { totp_code: nextCode(secret) })).status).toBe(429)
    expect((await login(world.owner, { recovery_code: codes[0] })).status).toBe(429)
    const failures = await accountAuditOf(world, 'auth.login_failed')
    expect(failures.map(({ details }) => details['reason'])).toEqual(['totp', 'recovery_code', 'totp', 'recovery_code', 'totp'])
  })

  it('tells by mail of wrong codes behind the right password, once a day', async () => {
    const { db } = testCtx()
    for (const codes of [{ totp_code: '000000' }, { recovery_code: 'wrong' }]) {
      const world = await createWorld()
      await enable(world)
      const { email } = world.owner
      const told = async () => (await mailsTo(email)).filter(({ kind }) => kind === 'second_factor_failed').length
      expect((await login({ ...world.owner, password: 'a wrong password' }, codes)).status).toBe(401)
      expect((await login(world.owner)).status).toBe(401)
      expect(await told()).toBe(0)
      for (let i = 0; i < 2; i += 1) expect((await login(world.owner, codes)).status).toBe(401)
      expect(await told()).toBe(1)
      await db
        .update(mails)
        .set({ createdAt: Date.now() - failedCodeMailEveryMs })
        .where(eq(mails.recipient, email))
      expect((await login(world.owner, codes)).status).toBe(401)
      expect(await told()).toBe(2)
    }
  })

  it('takes each recovery code once, of twenty at once one, and tells by mail what is left', async () => {
    const world = await createWorld()
    const { recoveryCodes: codes } = await enable(world)
    const answers = await Promise.all(Array.from({ length: 20 }, () => login(world.owner, { recovery_code: codes[3]?.toUpperCase() })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const sent = (await mailsTo(world.owner.email)).filter(({ kind }) => kind === 'recovery_code_used')
    expect(sent).toEqual([{ kind: 'recovery_code_used', params: { left: recoveryCodesCount - 1 } }])
    expect(await (await world.call(path, { as: world.owner.accessToken })).json()).toMatchObject({
      recovery_codes_left: recoveryCodesCount - 1,
    })
  })

  it('refuses both kinds of code together, and codes of another form', async () => {
    const world = await createWorld()
    for (const codes of [
      { totp_code: '123456', recovery_code: 'x' },
      { totp_code: '12345' },
      { totp_code: 123456 },
      { recovery_code: '' },
    ]) {
      expect(await problemOf(await login(world.owner, codes))).toMatchObject({ status: 400, code: 'validation_failed' })
    }
  })

  it('opens no session when the password changed, or a second factor came, while the password was checked', async () => {
    const world = await createWorld()
    const ctx = testCtx()
    const { userId, email } = world.owner
    const [row] = await ctx.db.select().from(users).where(eq(users.id, userId))
    if (!row) throw new Error('no user')
    const device = deviceOf(undefined)
    const read = { ...row, hasDevices: 1, knowsDevice: 1, recoveryCodesLeft: 0 }
    const open = async (user: typeof read) => {
      const { attempt } = await beginCheck(ctx, email, () => ctx.db.select().from(users).where(eq(users.id, userId)))
      const opened = await openSession(ctx, { user, userAgent: undefined, device, fingerprint: 'f', attempt, proof: undefined })
      const [left] = await ctx.db.select().from(loginAttempts).where(eq(loginAttempts.id, attempt.id))
      return { opened: opened !== undefined, failed: left?.failed }
    }
    expect(await open(read)).toEqual({ opened: true, failed: undefined })
    expect(await open({ ...read, passwordHash: 'the one before' })).toEqual({ opened: false, failed: true })
    expect(await open({ ...read, tokenVersion: 7 })).toEqual({ opened: false, failed: true })
    await enable(world)
    expect(await open(read)).toEqual({ opened: false, failed: true })
    expect(await accountAuditOf(world, 'auth.login_failed')).toHaveLength(3)
  })
})

describe('removing a second factor', () => {
  it('needs a code or a recovery code, and ends it for all sessions, with mail and audit', async () => {
    for (const kind of ['totp_code', 'recovery_code']) {
      const world = await createWorld()
      const { secret, recoveryCodes: codes } = await enable(world)
      const remove = (json: object) => world.call(path, { method: 'DELETE', as: world.owner.accessToken, json })
      expect((await remove({})).status).toBe(400)
      expect(await problemOf(await remove({ [kind]: '000000' }))).toMatchObject({ status: 422, details: { [kind]: [expect.any(String)] } })
      const json = { [kind]: kind === 'totp_code' ? nextCode(secret) : codes[9] }
      const answers = await Promise.all([1, 2, 3].map(() => remove(json)))
      expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
      expect((await login(world.owner)).status).toBe(200)
      const proved = await testCtx()
        .db.select({ at: sessions.secondFactorAt })
        .from(sessions)
        .where(eq(sessions.userId, world.owner.userId))
      expect(new Set(proved.map(({ at }) => at))).toEqual(new Set([null]))
      expect(await testCtx().db.select().from(recoveryCodes).where(eq(recoveryCodes.userId, world.owner.userId))).toEqual([])
      expect((await mailsTo(world.owner.email)).map((mail) => mail.kind)).toEqual(['second_factor_enabled', 'second_factor_disabled'])
      expect(await accountAuditOf(world, 'second_factor.disable')).toMatchObject([
        { details: { by: kind.replace('_code', '') === 'totp' ? 'totp' : kind } },
      ])
      expect((await remove(json)).status).toBe(409)
    }
  })

  it('cannot be guessed: wrong codes count with failed logins', async () => {
    const world = await createWorld()
    const { secret } = await enable(world)
    const remove = (totp_code: string) => world.call(path, { method: 'DELETE', as: world.owner.accessToken, json: { totp_code } })
    const wrong = totpCode(secret, Date.now() + 1000 * stepMs)
    for (let i = 0; i < loginFailuresPerAccountMax; i += 1) expect((await remove(wrong)).status).toBe(422)
    expect((await remove(nextCode(secret))).status).toBe(429)
    expect((await login(world.owner, { totp_code: nextCode(secret) })).status).toBe(429)
  })
})

describe('recovery codes', () => {
  it('are renewed all at once, by a session that proved the second factor', async () => {
    const world = await createWorld()
    const renew = (as = world.owner.accessToken) => world.call(`${path}/recovery-codes`, { method: 'POST', as })
    const before = await login(world.owner)
    const { access_token: older } = await before.json<{ access_token: string }>()
    expect(await problemOf(await renew())).toMatchObject({ status: 403, code: 'second_factor_required' })
    const { recoveryCodes: codes } = await enable(world)
    expect((await renew(older)).status).toBe(401)
    const renewed = await renew()
    expect(renewed.status).toBe(201)
    const { recovery_codes: fresh } = await renewed.json<{ recovery_codes: string[] }>()
    expect(new Set([...fresh, ...codes]).size).toBe(2 * recoveryCodesCount)
    expect((await login(world.owner, { recovery_code: codes[0] })).status).toBe(401)
    expect((await login(world.owner, { recovery_code: fresh[0] })).status).toBe(200)
    expect(await accountAuditOf(world, 'recovery_codes.*')).toHaveLength(1)
  })
})
