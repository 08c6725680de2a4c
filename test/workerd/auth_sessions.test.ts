import { exports } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { userDevicesMax } from '../../src/core/limits.ts'
import type { WantedTenant } from '../../src/db/context.ts'
import { memberships, organizations, sessions, users } from '../../src/db/schema.ts'
import { userDevices } from '../../src/db/schema_identity.ts'
import { login } from '../../src/features/auth/login.ts'
import { refresh } from '../../src/features/auth/refresh.ts'
import { parseRefreshToken } from '../../src/features/auth/refresh_token.ts'
import { verifySession } from '../../src/features/auth/verify_session.ts'
import { problemOf } from '../support/app.ts'
import { counted } from '../support/counted.ts'
import { mailsTo } from '../support/mails.ts'
import { getTicket, openTail, upgrade } from '../support/tail.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { accountAuditOf } from './control_world.ts'

const path = '/api/v1/auth/sessions'
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0'
const berlin = { country: 'DE', city: 'Berlin' }

interface Tokens {
  access_token: string
  refresh_token: string
}

const idOf = ({ refresh_token }: Tokens) => parseRefreshToken(refresh_token)?.sessionId ?? ''

/** A login through the Worker, from the place that Cloudflare would tell. */
async function loginFrom({ owner, address }: World, userAgent: string, cf: object = berlin): Promise<Tokens> {
  const init = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'CF-Connecting-IP': address, 'User-Agent': userAgent },
    body: JSON.stringify({ email: owner.email, password: owner.password }),
    cf,
  }
  const response = await exports.default.fetch(new Request('http://edgelog.test/api/v1/auth/login', init as RequestInit))
  expect(response.status).toBe(200)
  return response.json()
}

describe('the list of sessions', () => {
  it('shows each with browser, system, place and times, and which is the current one', async () => {
    const world = await createWorld()
    const tokens = await loginFrom(world, firefox)
    const response = await world.call(path, { as: world.owner.accessToken })
    const { count, results } = await response.json<{ count: number; results: Record<string, unknown>[] }>()
    expect(count).toBe(2)
    const time = expect.stringMatching(/^20\d\d-.*Z$/) as string
    expect(results[0]).toEqual({
      id: idOf(tokens),
      browser: 'Firefox',
      browser_version: '126.0',
      system: 'Linux',
      system_version: null,
      device_kind: 'desktop',
      country: 'DE',
      city: 'Berlin',
      client_address: world.address,
      second_factor: false,
      first_seen_at: time,
      last_seen_at: time,
      expires_at: time,
      is_current: false,
    })
    expect(results[1]).toMatchObject({
      id: parseRefreshToken(world.owner.refreshToken)?.sessionId,
      browser: null,
      country: null,
      is_current: true,
    })
  })

  it('has no session that is over, and none of anybody else', async () => {
    const world = await createWorld()
    await world.addMember('admin')
    const [gone, late, kept] = [await loginFrom(world, 'a'), await loginFrom(world, 'b'), await loginFrom(world, 'c')]
    const { db } = testCtx()
    expect((await world.call('/api/v1/auth/logout', { method: 'POST', as: gone.access_token })).status).toBe(204)
    await db
      .update(sessions)
      .set({ expiresAt: 1 })
      .where(eq(sessions.id, idOf(late)))
    const list = async (query = '') =>
      (await world.call(path + query, { as: kept.access_token })).json<{ count: number; results: { id: string }[] }>()
    expect((await list()).results.map(({ id }) => id)).toEqual([idOf(kept), parseRefreshToken(world.owner.refreshToken)?.sessionId])
    const second = await list('?page_size=1&page=2&ordering=first_seen_at')
    expect(second).toMatchObject({ count: 2, results: [{ id: idOf(kept) }] })
    await world.call('/api/v1/auth/logout-all', { method: 'POST', as: kept.access_token })
    const fresh = await loginFrom(world, 'd')
    expect(await (await world.call(path, { as: fresh.access_token })).json()).toMatchObject({ count: 1, results: [{ id: idOf(fresh) }] })
  })

  it('knows when each was last seen from logins and refreshes, which no other request writes', async () => {
    const { call, owner } = await createWorld()
    const id = parseRefreshToken(owner.refreshToken)?.sessionId ?? ''
    const seen = async () => (await testCtx().db.select().from(sessions).where(eq(sessions.id, id)))[0]
    const atLogin = await seen()
    expect(atLogin?.lastSeenAt).toBe(atLogin?.createdAt)
    expect((await call('/api/v1/auth/me', { as: owner.accessToken })).status).toBe(200)
    expect(await seen()).toEqual(atLogin)
    const later = Date.now() + 60_000
    await refresh({ ...testCtx(), now: () => later }, owner.refreshToken)
    expect(await seen()).toMatchObject({ lastSeenAt: later, createdAt: atLogin?.createdAt })
  })
})

describe('revoking one session', () => {
  it('stops its access token and refresh token at once, ends its live tails, and leaves the others', async () => {
    const world = await createWorld()
    const other = await loginFrom(world, firefox)
    const [own, theirs] = [await openTail(world), await openTail(world, { ticket: await getTicket(world, other.access_token) })]
    const response = await world.call(`${path}/${idOf(other)}`, { method: 'DELETE', as: world.owner.accessToken })
    expect(response.status).toBe(204)
    expect(response.headers.getSetCookie()).toEqual([])
    expect(await problemOf(await world.call('/api/v1/auth/me', { as: other.access_token }))).toMatchObject({
      status: 401,
      code: 'invalid_token',
    })
    expect((await world.call('/api/v1/auth/refresh', { json: { refresh_token: other.refresh_token } })).status).toBe(401)
    expect((await theirs.closed).code).toBe(4003)
    expect(own.socket.readyState).toBe(WebSocket.OPEN)
    expect((await world.call('/api/v1/auth/me', { as: world.owner.accessToken })).status).toBe(200)
    expect(await accountAuditOf(world, 'session.revoke')).toMatchObject([
      { target_id: world.owner.userId, details: { session_id: idOf(other) }, actor_kind: 'user' },
    ])
  })

  it('clears the cookies when it is the own one', async () => {
    const world = await createWorld()
    const id = parseRefreshToken(world.owner.refreshToken)?.sessionId ?? ''
    const response = await world.call(`${path}/${id}`, { method: 'DELETE', as: world.owner.accessToken })
    expect(response.status).toBe(204)
    expect(response.headers.getSetCookie().map((cookie) => cookie.split(';')[0])).toEqual([
      '__Host-edgelog_access=',
      '__Secure-edgelog_refresh=',
    ])
  })

  it('does not find the session of another user, an unknown one, or one that is over', async () => {
    const [world, stranger] = [await createWorld(), await createWorld()]
    const member = await world.addMember('owner')
    const over = await loginFrom(world, 'a')
    const revoke = (id: string) => world.call(`${path}/${id}`, { method: 'DELETE', as: world.owner.accessToken })
    expect((await revoke(idOf(over))).status).toBe(204)
    const foreign = [member.refreshToken, stranger.owner.refreshToken].map((token) => parseRefreshToken(token)?.sessionId ?? '')
    for (const id of [...foreign, crypto.randomUUID(), idOf(over)]) {
      expect(await problemOf(await revoke(id))).toMatchObject({ status: 404, code: 'not_found', detail: 'There is no such session.' })
    }
    expect((await world.call('/api/v1/auth/me', { as: member.accessToken })).status).toBe(200)
    expect((await stranger.call('/api/v1/auth/me', { as: stranger.owner.accessToken })).status).toBe(200)
    expect(await accountAuditOf(world, 'session.revoke')).toHaveLength(1)
  })
})

describe('authentication', () => {
  it.each<[string, (world: World) => WantedTenant]>([
    ['no tenant', () => ({ kind: 'none' })],
    ['the default organization', () => ({ kind: 'organization', id: undefined })],
    ['an organization by its id', ({ organizationId }) => ({ kind: 'organization', id: organizationId })],
    ['an organization of somebody else', () => ({ kind: 'organization', id: crypto.randomUUID() })],
    ['the own account', () => ({ kind: 'account', id: undefined })],
    ['an account by its id', ({ accountId }) => ({ kind: 'account', id: accountId })],
  ])('costs one D1 statement and no batch for %s, also when the session is revoked', async (_, wanted) => {
    const world = await createWorld()
    const verify = () => counted((ctx) => verifySession(ctx, world.owner.accessToken, wanted(world), () => undefined))
    expect(await verify()).toMatchObject({ statements: 1, batches: 0 })
    await testCtx().db.update(sessions).set({ revokedAt: 1 }).where(eq(sessions.userId, world.owner.userId))
    expect(await verify()).toMatchObject({ outcome: 'invalid_token', statements: 1, batches: 0 })
  })

  it('asks D1 nothing for a token that is not ours', async () => {
    const verify = (token: string) => counted((ctx) => verifySession(ctx, token, { kind: 'none' }, () => undefined))
    const { owner } = await createWorld()
    for (const token of ['a.b.c', `${owner.accessToken}x`])
      expect(await verify(token)).toMatchObject({ outcome: 'invalid_token', statements: 0 })
  })
})

describe('the notice of a new device', () => {
  const places = { berlin, paris: { country: 'FR', city: 'Paris' } }
  const from = (world: World, userAgent: string, place = berlin) => login({ ...testCtx(), place }, { ...world.owner, userAgent })

  it('comes with the first login from another browser, system or country, not with the first of all', async () => {
    const world = await createWorld()
    const { email } = world.owner
    expect(await mailsTo(email, 'new_device')).toEqual([])
    await from(world, firefox)
    await from(world, firefox.replaceAll('126', '127'), { country: 'DE', city: 'Potsdam' })
    await from(world, firefox, places.paris)
    await from(world, 'curl/8.5.0')
    await from(world, firefox)
    expect(await mailsTo(email, 'new_device')).toEqual([
      { device: 'Firefox on Linux', place: 'Berlin, DE', at_ms: expect.any(Number) as number },
      { device: 'Firefox on Linux', place: 'Paris, FR', at_ms: expect.any(Number) as number },
      { device: 'curl', place: 'Berlin, DE', at_ms: expect.any(Number) as number },
    ])
  })

  it('comes once for logins at the same time, and never for one that failed', async () => {
    const world = await createWorld()
    await Promise.all([1, 2, 3, 4].map(() => from(world, firefox)))
    await expect(login(testCtx(), { ...world.owner, password: 'wrong password', userAgent: 'curl/8' })).rejects.toMatchObject({
      code: 'invalid_credentials',
    })
    expect(await mailsTo(world.owner.email, 'new_device')).toHaveLength(1)
  })

  it('remembers as many devices as the limit says, those seen last', async () => {
    const world = await createWorld()
    const { db } = testCtx()
    const { userId } = world.owner
    await db.delete(userDevices).where(eq(userDevices.userId, userId))
    const old = Array.from({ length: userDevicesMax }, (_, i) => ({ userId, fingerprint: `f${i}`, createdAt: i, lastSeenAt: i }))
    for (let i = 0; i < old.length; i += 20) await db.insert(userDevices).values(old.slice(i, i + 20))
    await from(world, firefox)
    const left = await db.select({ fingerprint: userDevices.fingerprint }).from(userDevices).where(eq(userDevices.userId, userId))
    expect(left).toHaveLength(userDevicesMax)
    expect(left.map(({ fingerprint }) => fingerprint)).not.toContain('f0')
  })
})

describe('the log of the account', () => {
  it('tells of logins, failures and ends of sessions, and of nobody who is not known', async () => {
    const world = await createWorld()
    const { owner, call } = world
    await login(testCtx(), { ...owner, userAgent: 'curl/8' })
    const wrong = { email: owner.email, password: 'wrong password', userAgent: undefined }
    await expect(login(testCtx(), wrong)).rejects.toThrow('invalid_credentials')
    await expect(login(testCtx(), { ...wrong, email: `nobody-${owner.email}` })).rejects.toThrow('invalid_credentials')
    const first = await refresh(testCtx(), owner.refreshToken)
    await refresh(testCtx(), first.refreshToken)
    await expect(refresh(testCtx(), owner.refreshToken)).rejects.toThrow('invalid_refresh_token')
    const [second, third] = [await loginFrom(world, 'b'), await loginFrom(world, 'c')]
    await call('/api/v1/auth/logout', { method: 'POST', as: second.access_token })
    await call('/api/v1/auth/logout-all', { method: 'POST', as: third.access_token })
    const entries = await accountAuditOf(world, '*')
    expect(entries.map(({ action }) => action)).toEqual([
      'user.create',
      'auth.login',
      'auth.login',
      'auth.login_failed',
      'session.token_reused',
      'auth.login',
      'auth.login',
      'auth.logout',
      'auth.logout_all',
    ])
    const secrets = [owner.password, owner.refreshToken, first.refreshToken, third.access_token, 'wrong password']
    for (const secret of secrets) expect(JSON.stringify(entries)).not.toContain(secret)
  })
})

describe('a live tail', () => {
  it('is refused to a session without the second factor that the organization requires meanwhile', async () => {
    const world = await createWorld()
    const [before, after] = [await getTicket(world), await getTicket(world)]
    expect((await upgrade(world, { ticket: before })).status).toBe(101)
    const { db } = testCtx()
    await db.update(organizations).set({ requireSecondFactor: true }).where(eq(organizations.id, world.organizationId))
    expect(await problemOf(await upgrade(world, { ticket: after }))).toMatchObject({ status: 401, code: 'invalid_token' })
    expect((await world.call('/api/v1/logs/tail-ticket', { method: 'POST', as: world.owner.accessToken })).status).toBe(403)
    await db.update(sessions).set({ secondFactorAt: Date.now() }).where(eq(sessions.userId, world.owner.userId))
    expect((await upgrade(world, { ticket: await getTicket(world) })).status).toBe(101)
  })

  it('is refused to staff and managers of the account, who read no logs', async () => {
    const world = await createWorld()
    const { db } = testCtx()
    await db.update(users).set({ isStaff: true }).where(eq(users.id, world.owner.userId))
    const ticket = await getTicket(world)
    expect((await upgrade(world, { ticket })).status).toBe(101)
    const stale = await getTicket(world)
    await db.delete(memberships).where(eq(memberships.userId, world.owner.userId))
    expect((await upgrade(world, { ticket: stale })).status).toBe(401)
  })
})
