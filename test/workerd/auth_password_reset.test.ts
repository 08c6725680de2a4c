import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { askedMailsPerAddressMax, askedMailsPerEmailMax, resetPasswordTtlMs, setPasswordTtlMs } from '../../src/core/limits.ts'
import type { OneTimeTokenKind } from '../../src/core/one_time.ts'
import { newOneTimeToken } from '../../src/db/one_time_tokens.ts'
import { users } from '../../src/db/schema.ts'
import { accountAuditLog } from '../../src/db/schema_audit.ts'
import { oneTimeTokens } from '../../src/db/schema_identity.ts'
import { createMember } from '../../src/features/auth/create_user.ts'
import { noPassword } from '../../src/features/auth/password.ts'
import { confirmPasswordReset } from '../../src/features/auth/password_reset_confirm.ts'
import { verifyEmail } from '../../src/features/auth/verify_email.ts'
import { problemOf } from '../support/app.ts'
import { mailsTo } from '../support/mails.ts'
import { openTail } from '../support/tail.ts'
import { mailsAbout } from '../support/tenancy.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'
import type { Person } from '../support/world.ts'

const path = '/api/v1/auth/password-reset'
const password = 'new horse, new battery'

const ask = (email: string, address = randomAddress()) => callFrom(address, path, { json: { email } })
const confirm = (token: string, typed = password) => callFrom(randomAddress(), `${path}/confirm`, { json: { token, password: typed } })
const logIn = ({ email }: { email: string }, typed: string) =>
  callFrom(randomAddress(), '/api/v1/auth/login', { json: { email, password: typed } })
const me = (as: string) => callFrom(randomAddress(), '/api/v1/auth/me', { as })

/** The token of the newest mail. */
async function askedToken({ email }: { email: string }): Promise<string> {
  expect((await ask(email)).status).toBe(202)
  return (await mailsTo(email, 'reset_password')).at(-1)?.token ?? ''
}

async function newToken(kind: OneTimeTokenKind, { userId }: { userId: string }, ttlMs = resetPasswordTtlMs): Promise<string> {
  const { token, statement } = newOneTimeToken(testCtx(), kind, userId, ttlMs)
  await statement
  return token
}

async function rowOf({ userId }: { userId: string }) {
  const [row] = await testCtx().db.select().from(users).where(eq(users.id, userId))
  return row
}

describe('resetting a password', () => {
  it('sets a new one by the token of a mail and ends every session at once', async () => {
    const { owner } = await createWorld()
    const second = await (await logIn(owner, owner.password)).json<{ access_token: string; refresh_token: string }>()
    const response = await confirm(await askedToken(owner))
    expect([response.status, await response.text()]).toEqual([204, ''])
    expect((await logIn(owner, owner.password)).status).toBe(401)
    expect((await logIn(owner, password)).status).toBe(200)
    for (const token of [owner.accessToken, second.access_token]) expect((await me(token)).status).toBe(401)
    for (const refresh_token of [owner.refreshToken, second.refresh_token])
      expect((await callFrom(randomAddress(), '/api/v1/auth/refresh', { json: { refresh_token } })).status).toBe(401)
  })

  it('ends the live tails of the person', async () => {
    const world = await createWorld()
    const tail = await openTail(world)
    await confirm(await askedToken(world.owner))
    expect((await tail.closed).code).toBe(4003)
  })

  it('confirms the e-mail, tells the person by mail, and the account by its audit log', async () => {
    const { owner, accountId } = await createWorld()
    await testCtx().db.update(users).set({ emailVerifiedAt: null }).where(eq(users.id, owner.userId))
    await confirm(await askedToken(owner))
    expect((await rowOf(owner))?.emailVerifiedAt).toBeGreaterThan(Date.now() - 60_000)
    expect(await mailsAbout(owner.userId)).toEqual([`password_changed to ${owner.email}`, `reset_password to ${owner.email}`])
    const entries = await testCtx()
      .db.select()
      .from(accountAuditLog)
      .where(eq(accountAuditLog.accountId, accountId))
      .orderBy(accountAuditLog.id)
    expect(entries.filter(({ action }) => action.startsWith('password.'))).toMatchObject([
      { action: 'password.reset_request', actorId: null, targetId: owner.userId },
      { action: 'password.reset', actorId: owner.userId, targetId: owner.userId },
    ])
    expect(JSON.stringify(entries)).not.toMatch(/scrypt|new horse/)
  })

  it('lets in at once who was refused for failed logins before', async () => {
    const { owner } = await createWorld()
    for (let i = 0; i < 6; i++) await logIn(owner, 'wrong')
    expect((await logIn(owner, owner.password)).status).toBe(429)
    await confirm(await askedToken(owner))
    expect((await logIn(owner, password)).status).toBe(200)
  })

  it('is the first password of a user whom an administrator made, who could not log in before', async () => {
    const world = await createWorld()
    const email = `made-${crypto.randomUUID()}@example.com`
    const person = { ...(await createMember(testCtx(), world, { email, name: 'Made', passwordHash: noPassword, role: 'member' })), email }
    for (const typed of [noPassword, password]) expect((await logIn(person, typed)).status).toBe(401)
    expect((await confirm(await newToken('set_password', person, setPasswordTtlMs))).status).toBe(204)
    expect((await logIn(person, password)).status).toBe(200)
    expect((await rowOf(person))?.emailVerifiedAt).not.toBeNull()
  })

  it('ends all other tokens that would do the same', async () => {
    const { owner } = await createWorld()
    const others = [await askedToken(owner), await newToken('set_password', owner)]
    expect((await confirm(await askedToken(owner))).status).toBe(204)
    for (const token of others) expect((await confirm(token, 'yet another password')).status).toBe(400)
    expect((await logIn(owner, password)).status).toBe(200)
  })
})

describe('a token to reset a password', () => {
  it('works once', async () => {
    const { owner } = await createWorld()
    const token = await askedToken(owner)
    expect((await confirm(token)).status).toBe(204)
    expect(await problemOf(await confirm(token, 'yet another password'))).toMatchObject({ status: 400, code: 'invalid_one_time_token' })
    expect((await logIn(owner, password)).status).toBe(200)
  })

  it('works for one of twenty at once', async () => {
    const { owner } = await createWorld()
    const token = await askedToken(owner)
    const typed = Array.from({ length: 20 }, (_, i) => `${password} ${i}`)
    const statuses = await Promise.all(typed.map(async (one) => (await confirm(token, one)).status))
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(statuses.filter((status) => status === 400)).toHaveLength(19)
    expect((await logIn(owner, typed[statuses.indexOf(204)] ?? '')).status).toBe(200)
    expect(await mailsTo(owner.email, 'password_changed')).toHaveLength(1)
    expect((await rowOf(owner))?.tokenVersion).toBe(1)
  })

  it('is good for an hour and no longer', async () => {
    const { owner } = await createWorld()
    const token = await askedToken(owner)
    const late = { ...testCtx(), now: () => Date.now() + resetPasswordTtlMs + 1 }
    await expect(confirmPasswordReset(late, { token, password })).rejects.toMatchObject({ code: 'invalid_one_time_token' })
    const early = { ...testCtx(), now: () => Date.now() + resetPasswordTtlMs - 60_000 }
    await confirmPasswordReset(early, { token, password })
    expect((await logIn(owner, password)).status).toBe(200)
  })

  it('is no token of another kind, nor is one of those a token to reset', async () => {
    const { owner } = await createWorld()
    await expect(verifyEmail(testCtx(), await askedToken(owner))).rejects.toMatchObject({ code: 'invalid_one_time_token' })
    expect((await confirm(await newToken('verify_email', owner))).status).toBe(400)
    expect((await logIn(owner, owner.password)).status).toBe(200)
  })

  it('is of no use once the user is deleted', async () => {
    const { owner } = await createWorld()
    const token = await askedToken(owner)
    await testCtx().db.update(users).set({ deletedAt: Date.now() }).where(eq(users.id, owner.userId))
    expect((await confirm(token)).status).toBe(400)
    expect((await rowOf(owner))?.tokenVersion).toBe(0)
  })

  it('stays good when the password does not pass the rule, which knows the person', async () => {
    const world = await createWorld()
    const token = await askedToken(world.owner)
    for (const typed of ['short', 'password1', `${world.owner.email}!`]) {
      const problem = await problemOf(await confirm(token, typed))
      expect(problem).toMatchObject({ status: 400, code: 'validation_failed', details: { password: [expect.any(String) as string] } })
    }
    expect((await confirm(token)).status).toBe(204)
  })

  it('is stored only as its hash, and removed with others when it is long over', async () => {
    const { owner } = await createWorld()
    const token = await askedToken(owner)
    const { db } = testCtx()
    const of = eq(oneTimeTokens.userId, owner.userId)
    expect(JSON.stringify(await db.select().from(oneTimeTokens).where(of))).not.toContain(token)
    await db.update(oneTimeTokens).set({ expiresAt: 1 }).where(of)
    await askedToken((await createWorld()).owner)
    expect(await db.select().from(oneTimeTokens).where(of)).toEqual([])
  })
})

describe('asking for a new password', () => {
  it('sends three mails an hour to one e-mail, and says 429 after that', async () => {
    const { owner } = await createWorld()
    for (let i = 0; i < askedMailsPerEmailMax; i++) expect((await ask(owner.email)).status).toBe(202)
    const refused = await ask(owner.email)
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(3500)
    expect(await problemOf(refused)).toMatchObject({
      status: 429,
      code: 'rate_limited',
      details: { password_resets_per_email: ['at most 3 in 60 minutes'] },
    })
    expect(await mailsTo(owner.email, 'reset_password')).toHaveLength(askedMailsPerEmailMax)
  })

  it('lets no more through than the limits when they race, by e-mail and by address', async () => {
    const email = `nobody-${crypto.randomUUID()}@example.com`
    const one = await Promise.all(Array.from({ length: 10 }, async () => (await ask(email)).status))
    expect(one.filter((status) => status === 202)).toHaveLength(askedMailsPerEmailMax)
    const address = randomAddress()
    const many = await Promise.all(Array.from({ length: 30 }, async (_, i) => (await ask(`${i}-${email}`, address)).status))
    expect(many.filter((status) => status === 202)).toHaveLength(askedMailsPerAddressMax)
  })

  it('writes nothing for an e-mail that nobody has', async () => {
    const email = `nobody-${crypto.randomUUID()}@example.com`
    const response = await ask(email)
    expect([response.status, await response.json()]).toEqual([202, { email, detail: expect.any(String) as string }])
    expect(await mailsTo(email, 'reset_password')).toEqual([])
  })

  it('leaves sessions and the password as they are', async () => {
    const { owner }: { owner: Person } = await createWorld()
    await ask(owner.email)
    expect((await me(owner.accessToken)).status).toBe(200)
    expect((await logIn(owner, owner.password)).status).toBe(200)
  })
})
