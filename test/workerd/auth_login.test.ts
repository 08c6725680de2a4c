import { and, eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { loginFailuresPerAccountMax, loginFailuresPerAddressMax, loginPendingMs, loginWindowMs } from '../../src/core/limits.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { sessions, users } from '../../src/db/schema.ts'
import { loginAttempts } from '../../src/db/schema_identity.ts'
import { login } from '../../src/features/auth/login.ts'
import { markFailed, mayPassSoon, newAttempt, reserve, tooMany } from '../../src/features/auth/throttle.ts'
import { problemOf } from '../support/app.ts'
import { callFrom, createWorld, randomAddress, testCtx } from '../support/world.ts'

const path = '/api/v1/auth/login'

/** A failed login without checking a password: one D1 batch, in no time. */
async function fail(ctx: BaseCtx, email: string): Promise<void> {
  const attempt = newAttempt(ctx, { kind: 'login', subject: email })
  const [, reserved, usage] = await ctx.db.batch([...reserve(ctx, attempt), markFailed(ctx, attempt)])
  if (reserved.length === 0) throw tooMany(attempt, usage[0])
}

async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'passed',
    (error: { code?: string }) => error.code ?? 'error',
  )
}

const unknownEmail = () => `nobody-${crypto.randomUUID()}@example.com`

describe('logging in', () => {
  it('gives tokens for the right password, in a session of its own', async () => {
    const { owner, address } = await createWorld()
    const response = await callFrom(address, path, {
      json: { email: owner.email.toUpperCase(), password: owner.password },
      headers: { 'User-Agent': 'Browser' },
    })
    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()).toEqual([])
    const body = await response.json<Record<string, unknown>>()
    expect(body).toMatchObject({ transport: 'bearer', token_type: 'Bearer', expires_in: 900 })
    expect(body['refresh_token']).not.toBe(owner.refreshToken)
    const rows = await testCtx()
      .db.select()
      .from(sessions)
      .where(and(eq(sessions.userId, owner.userId), eq(sessions.userAgent, 'Browser')))
    expect(rows).toMatchObject([{ clientAddress: address, revokedAt: null }])
    expect(JSON.stringify(rows)).not.toContain(body['refresh_token'])
  })

  it('puts tokens into cookies only, when asked to', async () => {
    const { owner, address } = await createWorld()
    const response = await callFrom(address, path, { json: { email: owner.email, password: owner.password, transport: 'cookie' } })
    const body = await response.json<Record<string, unknown>>()
    expect(Object.keys(body).toSorted()).toEqual(['expires_in', 'refresh_expires_at', 'transport'])
    const [access = '', refresh = ''] = response.headers.getSetCookie()
    expect(access).toMatch(/^__Host-edgelog_access=[\w.-]+; Max-Age=900; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    expect(refresh).toMatch(
      /^__Secure-edgelog_refresh=[\w-]{107}; Path=\/api\/v1\/auth\/refresh; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
    )
  })

  it('answers alike for a wrong password, an unknown e-mail and a deleted user', async () => {
    const { owner } = await createWorld()
    const gone = await createWorld()
    await testCtx().db.update(users).set({ deletedAt: 1 }).where(eq(users.id, gone.owner.userId))
    const tries = [
      { email: owner.email, password: 'wrong password' },
      { email: unknownEmail(), password: 'wrong password' },
      { email: gone.owner.email, password: gone.owner.password },
    ]
    const answers = await Promise.all(tries.map((json) => callFrom(randomAddress(), path, { json })))
    const bodies = await Promise.all(answers.map((answer) => answer.json<{ request_id: string }>()))
    for (const [i, answer] of answers.entries()) {
      expect(answer.status).toBe(401)
      expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="edgelog", error="invalid_token"')
      expect({ ...bodies[i], request_id: '' }).toEqual({ ...bodies[0], request_id: '' })
    }
    expect(bodies[0]).toMatchObject({ code: 'invalid_credentials' })
  })

  it.each([
    [{ email: 'a@example.com', password: '' }, 'password'],
    [{ email: 'a@example.com', password: 'x'.repeat(129) }, 'password'],
    [{ email: 'a@example.com', password: 'x', transport: 'carrier pigeon' }, 'transport'],
    [{ email: 'a@example.com', password: 'x', admin: true }, 'admin'],
  ])('refuses %j and names the field %s', async (json, field) => {
    const problem = await problemOf(await callFrom(randomAddress(), path, { json }))
    expect(problem).toMatchObject({ status: 400, code: 'validation_failed', details: { [field]: expect.any(Array) as string[] } })
  })

  it('removes sessions of the user that ended long ago, and no others', async () => {
    const { owner } = await createWorld()
    const { db } = testCtx()
    const of = eq(sessions.userId, owner.userId)
    await login(testCtx(), { ...owner, userAgent: 'second' })
    await db
      .update(sessions)
      .set({ expiresAt: 1 })
      .where(and(of, eq(sessions.userAgent, 'second')))
    await login(testCtx(), { ...owner, userAgent: 'third' })
    const left = await db.select({ userAgent: sessions.userAgent }).from(sessions).where(of)
    expect(new Set(left.map((row) => row.userAgent))).toEqual(new Set([null, 'third']))
  })
})

describe('login throttling', () => {
  it('lets five failures of one account through and no sixth attempt, right password or not', async () => {
    const { owner } = await createWorld()
    const wrong = () => callFrom(randomAddress(), path, { json: { email: owner.email, password: 'wrong password' } })
    for (let i = 0; i < loginFailuresPerAccountMax; i += 1) expect((await wrong()).status).toBe(401)
    const refused = await callFrom(randomAddress(), path, { json: { email: owner.email, password: owner.password } })
    const seconds = Number(refused.headers.get('Retry-After'))
    expect(seconds).toBeGreaterThan(loginWindowMs / 1000 - 60)
    expect(seconds).toBeLessThanOrEqual(loginWindowMs / 1000)
    expect(await problemOf(refused)).toMatchObject({
      status: 429,
      code: 'rate_limited',
      details: { login_failures_per_account: ['at most 5 in 15 minutes'] },
    })
  })

  it('refuses known and unknown accounts with the same words', async () => {
    const { owner } = await createWorld()
    const bodies = []
    const ctx = { ...testCtx(), now: () => Date.now() }
    for (const email of [owner.email, unknownEmail()]) {
      for (let i = 0; i < loginFailuresPerAccountMax; i += 1) await fail({ ...ctx, clientAddress: randomAddress() }, email)
      const answer = await callFrom(randomAddress(), path, { json: { email, password: 'wrong password' } })
      const { detail, ...body } = await answer.json<{ detail: string; error: string; request_id: string }>()
      bodies.push({ ...body, detail: detail.replace(/\d+/, 'N'), error: '', request_id: '' })
    }
    expect(bodies[0]).toMatchObject({ status: 429 })
    expect(bodies[1]).toEqual(bodies[0])
  })

  it('lets exactly five of many parallel guesses at one account through', async () => {
    const { owner } = await createWorld()
    const guesses = Array.from({ length: 12 }, () =>
      callFrom(randomAddress(), path, { json: { email: owner.email, password: 'wrong password' } }),
    )
    const statuses = (await Promise.all(guesses)).map((answer) => answer.status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(loginFailuresPerAccountMax)
    expect(statuses.filter((status) => status === 429)).toHaveLength(12 - loginFailuresPerAccountMax)
  })

  it('lets exactly twenty of many parallel guesses from one address through, whatever the accounts', async () => {
    const ctx = testCtx()
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => outcome(fail(ctx, unknownEmail()))))
    expect(outcomes.filter((text) => text === 'passed')).toHaveLength(loginFailuresPerAddressMax)
    expect(outcomes.filter((text) => text === 'rate_limited')).toHaveLength(30 - loginFailuresPerAddressMax)
  })

  it('counts an IPv6 customer as one address', async () => {
    const network = `2001:db8:${Math.floor(Math.random() * 65_536).toString(16)}:1`
    const outcomes = await Promise.all(
      Array.from({ length: 24 }, (_, i) => outcome(fail({ ...testCtx(), clientAddress: `${network}::${i + 1}` }, unknownEmail()))),
    )
    expect(outcomes.filter((text) => text === 'passed')).toHaveLength(loginFailuresPerAddressMax)
  })

  it('ends exactly when the oldest failure leaves the window', async () => {
    const email = unknownEmail()
    const start = Date.now()
    const at = (ms: number): BaseCtx => ({ ...testCtx(), now: () => start + ms })
    for (let i = 0; i < loginFailuresPerAccountMax; i += 1) await fail(at(i * 1000), email)
    const refusal = await fail(at(60_000), email).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ headers: { 'Retry-After': String(loginWindowMs / 1000 - 60) } })
    expect(await outcome(fail(at(loginWindowMs - 1), email))).toBe('rate_limited')
    expect(await outcome(fail(at(loginWindowMs), email))).toBe('passed')
    expect(await outcome(fail(at(loginWindowMs), email))).toBe('rate_limited')
  })

  it('lets any number of parallel logins with the right password through', async () => {
    const { owner, address } = await createWorld()
    const json = { email: owner.email, password: owner.password }
    const answers = await Promise.all(Array.from({ length: 25 }, () => callFrom(address, path, { json })))
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 25 }, () => 200))
  })

  it('counts a check that never ended as a failure', async () => {
    const email = unknownEmail()
    const start = Date.now()
    const at = (ms: number): BaseCtx => ({ ...testCtx(), now: () => start + ms })
    const passesSoonAt = async (ms: number) => {
      const attempt = newAttempt(at(ms), { kind: 'login', subject: email })
      const [, , usage] = await at(ms).db.batch(reserve(at(ms), attempt))
      return mayPassSoon(attempt, usage[0])
    }
    for (let i = 0; i < loginFailuresPerAccountMax; i += 1) await passesSoonAt(i)
    expect(await passesSoonAt(loginPendingMs - 1)).toBe(true)
    expect(await passesSoonAt(loginPendingMs + loginFailuresPerAccountMax)).toBe(false)
    expect(await outcome(login(at(loginPendingMs + loginFailuresPerAccountMax), { email, password: 'x', userAgent: undefined }))).toBe(
      'rate_limited',
    )
  })

  it('does not count logins that succeed', async () => {
    const { owner } = await createWorld()
    const ctx = testCtx()
    for (let i = 0; i < loginFailuresPerAddressMax + 2; i += 1) await login(ctx, { ...owner, userAgent: undefined })
    expect(
      await ctx.db
        .select()
        .from(loginAttempts)
        .where(eq(loginAttempts.address, `login ${ctx.clientAddress}`)),
    ).toEqual([])
  })

  it('removes old attempts a few at a time', async () => {
    const { db } = testCtx()
    const addresses = randomAddress()
    await db.delete(loginAttempts)
    for (let i = 0; i < 45; i += 1)
      await db.insert(loginAttempts).values({ emailHash: `old ${i}`, id: `${i}`, address: addresses, createdAt: 1 })
    const left = async () => (await db.select().from(loginAttempts).where(eq(loginAttempts.address, addresses))).length
    await fail(testCtx(), unknownEmail())
    expect(await left()).toBe(25)
    await fail(testCtx(), unknownEmail())
    await fail(testCtx(), unknownEmail())
    expect(await left()).toBe(0)
  })
})
