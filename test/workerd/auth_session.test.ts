import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { keyKinds, rolePermissions, roles, roleHas } from '../../src/core/permissions.ts'
import { accounts, memberships, organizations, sessions, users } from '../../src/db/schema.ts'
import { accessTokenType, signJwt } from '../../src/features/auth/jwt.ts'
import { parseRefreshToken } from '../../src/features/auth/refresh_token.ts'
import { problemOf } from '../support/app.ts'
import { createWorld, testCtx } from '../support/world.ts'

const mePath = '/api/v1/auth/me'
const keysPath = '/api/v1/api-keys'

describe('the caller’s own page', () => {
  it.each(roles.map((role) => [role]))('tells a %s the permissions of that role', async (role) => {
    const { call, addMember } = await createWorld()
    const { accessToken } = await addMember(role)
    const body = await (await call(mePath, { as: accessToken })).json()
    expect(body).toMatchObject({ memberships: [{ role, permissions: [...rolePermissions[role]] }] })
  })

  it('is not for API keys', async () => {
    const world = await createWorld()
    for (const kind of keyKinds) {
      const { key } = await world.createKey(kind)
      expect(await problemOf(await world.call(mePath, { as: key }))).toMatchObject({ status: 403, code: 'forbidden' })
    }
  })

  it('works with the cookie of a browser', async () => {
    const { call, owner } = await createWorld()
    const response = await call(mePath, { headers: { Cookie: `__Host-edgelog_access=${owner.accessToken}` } })
    expect(response.status).toBe(200)
  })
})

describe('a session', () => {
  it('ends at once by logging out, and no other ends', async () => {
    const { call, owner } = await createWorld()
    const second = await (
      await call('/api/v1/auth/login', { json: { email: owner.email, password: owner.password } })
    ).json<{ access_token: string }>()
    const response = await call('/api/v1/auth/logout', { method: 'POST', as: owner.accessToken })
    expect(response.status).toBe(204)
    expect(response.headers.getSetCookie()).toEqual([
      '__Host-edgelog_access=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
      '__Secure-edgelog_refresh=; Max-Age=0; Path=/api/v1/auth/refresh; HttpOnly; Secure; SameSite=Lax',
    ])
    expect(await problemOf(await call(mePath, { as: owner.accessToken }))).toMatchObject({ status: 401, code: 'invalid_token' })
    expect((await call('/api/v1/auth/refresh', { json: { refresh_token: owner.refreshToken } })).status).toBe(401)
    expect((await call(mePath, { as: second.access_token })).status).toBe(200)
  })

  it('ends with all others of the user by logging out everywhere', async () => {
    const { call, owner, addMember } = await createWorld()
    const other = await addMember('admin')
    const second = await (
      await call('/api/v1/auth/login', { json: { email: owner.email, password: owner.password } })
    ).json<{ access_token: string; refresh_token: string }>()
    expect((await call('/api/v1/auth/logout-all', { method: 'POST', as: owner.accessToken })).status).toBe(204)
    for (const token of [owner.accessToken, second.access_token]) expect((await call(mePath, { as: token })).status).toBe(401)
    for (const token of [owner.refreshToken, second.refresh_token]) {
      expect((await call('/api/v1/auth/refresh', { json: { refresh_token: token } })).status).toBe(401)
    }
    expect((await call(mePath, { as: other.accessToken })).status).toBe(200)
    const again = await call('/api/v1/auth/login', { json: { email: owner.email, password: owner.password } })
    expect(again.status).toBe(200)
    expect((await call(mePath, { as: (await again.json<{ access_token: string }>()).access_token })).status).toBe(200)
  })

  it('is over when its time is', async () => {
    const { call, owner } = await createWorld()
    await testCtx()
      .db.update(sessions)
      .set({ expiresAt: Date.now() - 1 })
      .where(eq(sessions.userId, owner.userId))
    expect((await call(mePath, { as: owner.accessToken })).status).toBe(401)
  })

  it('is over for a deleted user, and back when the user is restored', async () => {
    const { call, owner } = await createWorld()
    const { db } = testCtx()
    await db.update(users).set({ deletedAt: 1 }).where(eq(users.id, owner.userId))
    expect(await problemOf(await call(mePath, { as: owner.accessToken }))).toMatchObject({ status: 401, code: 'invalid_token' })
    await db.update(users).set({ deletedAt: null }).where(eq(users.id, owner.userId))
    expect((await call(mePath, { as: owner.accessToken })).status).toBe(200)
  })

  it('is not opened by a token of ours that fits no session', async () => {
    const [one, other] = [await createWorld(), await createWorld()]
    const ctx = testCtx()
    const sid = parseRefreshToken(one.owner.refreshToken)?.sessionId
    const claims = { sub: one.owner.userId, sid, ver: 0 }
    const status = async (changed: object, type = accessTokenType) =>
      (await one.call(mePath, { as: await signJwt(ctx, type, 900, { ...claims, ...changed }) })).status
    expect(await status({})).toBe(200)
    expect(await status({ sub: other.owner.userId })).toBe(401)
    expect(await status({ sid: crypto.randomUUID() })).toBe(401)
    expect(await status({ ver: 1 })).toBe(401)
    expect(await status({ ver: '0' })).toBe(401)
    expect(await status({ sid: { $ne: null } })).toBe(401)
    expect(await status({}, 'edgelog-tail+jwt')).toBe(401)
  })
})

describe('the active organization', () => {
  it('is the default one, or the one that the header names', async () => {
    const [home, away] = [await createWorld(), await createWorld()]
    await testCtx()
      .db.insert(memberships)
      .values({ userId: home.owner.userId, organizationId: away.organizationId, role: 'viewer', createdAt: 1 })
    const created = await home.createKey('ingest')
    const list = async (organizationId?: string) => {
      const headers: Record<string, string> = organizationId === undefined ? {} : { 'X-Organization-Id': organizationId }
      return home.call(keysPath, { as: home.owner.accessToken, headers })
    }
    expect(await (await list()).json()).toMatchObject({ count: 1, results: [{ id: created.id }] })
    expect(await (await list(home.organizationId.toUpperCase())).json()).toMatchObject({ count: 1 })
    expect(await problemOf(await list(away.organizationId))).toMatchObject({
      status: 403,
      detail: expect.stringContaining('viewer') as string,
    })
  })

  it('is not found when it is another’s, unknown or deleted, all alike', async () => {
    const [home, away, gone] = [await createWorld(), await createWorld(), await createWorld()]
    const { db } = testCtx()
    await db.insert(memberships).values({ userId: home.owner.userId, organizationId: gone.organizationId, role: 'owner', createdAt: 1 })
    await db.update(organizations).set({ deletedAt: 1 }).where(eq(organizations.id, gone.organizationId))
    for (const organizationId of [away.organizationId, crypto.randomUUID(), gone.organizationId]) {
      const problem = await problemOf(
        await home.call(keysPath, { as: home.owner.accessToken, headers: { 'X-Organization-Id': organizationId } }),
      )
      expect(problem).toMatchObject({ status: 404, code: 'not_found', detail: 'There is no such organization.' })
    }
  })

  it.each([crypto.randomUUID(), 'nonsense'])('does not matter to what concerns the person alone: %s', async (organizationId) => {
    const { call, owner } = await createWorld()
    const options = { as: owner.accessToken, headers: { 'X-Organization-Id': organizationId } }
    expect(await (await call(mePath, options)).json()).toMatchObject({ id: owner.userId, memberships: [{ role: 'owner' }] })
    expect((await call('/api/v1/auth/logout', { ...options, method: 'POST' })).status).toBe(204)
  })

  it('is refused as malformed when the header is no UUID', async () => {
    const { call, owner } = await createWorld()
    const response = await call(keysPath, { as: owner.accessToken, headers: { 'X-Organization-Id': "x' or 1=1 --" } })
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'validation_failed' })
  })

  it('closes to everybody when the organization or its account is deleted', async () => {
    for (const table of [organizations, accounts]) {
      const world = await createWorld()
      const id = table === organizations ? world.organizationId : world.accountId
      await testCtx().db.update(table).set({ deletedAt: 1 }).where(eq(table.id, id))
      expect(await problemOf(await world.call(keysPath, { as: world.owner.accessToken }))).toMatchObject({ status: 403, code: 'forbidden' })
      expect(await (await world.call(mePath, { as: world.owner.accessToken })).json()).toMatchObject({ memberships: [] })
    }
  })

  it('closes at once to a member who is removed', async () => {
    const world = await createWorld()
    const member = await world.addMember('admin')
    expect((await world.call(keysPath, { as: member.accessToken })).status).toBe(200)
    await testCtx().db.delete(memberships).where(eq(memberships.userId, member.userId))
    expect((await world.call(keysPath, { as: member.accessToken })).status).toBe(403)
  })
})

describe('roles at the API', () => {
  it.each(roles.map((role) => [role]))('let a %s do with keys what the table says', async (role) => {
    const world = await createWorld()
    const { id } = await world.createKey('query')
    const { accessToken } = await world.addMember(role)
    const status = async (method: string, path: string, json?: object) => (await world.call(path, { method, as: accessToken, json })).status
    const [read, write] = [roleHas(role, 'api_keys:read'), roleHas(role, 'api_keys:write')]
    expect(await status('GET', keysPath)).toBe(read ? 200 : 403)
    expect(await status('GET', `${keysPath}/${id}`)).toBe(read ? 200 : 403)
    expect(await status('POST', keysPath, { name: 'x', kind: 'ingest' })).toBe(write ? 201 : 403)
    expect(await status('PATCH', `${keysPath}/${id}`, { name: 'y' })).toBe(write ? 200 : 403)
    expect(await status('DELETE', `${keysPath}/${id}`)).toBe(write ? 204 : 403)
  })
})

describe('the key set', () => {
  it('is public and verifies access tokens', async () => {
    const { call, owner } = await createWorld()
    const response = await call('/.well-known/jwks.json')
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=300')
    const { keys } = await response.json<{ keys: JsonWebKey[] }>()
    const [jwk] = keys
    if (!jwk) throw new Error('no key')
    expect(Object.keys(jwk).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
    const key = await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x: jwk.x ?? '' }, 'Ed25519', false, ['verify'])
    const [head = '', body = '', signature = ''] = owner.accessToken.split('.')
    const bytes = Uint8Array.from(atob(signature.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
    expect(await crypto.subtle.verify('Ed25519', key, bytes, new TextEncoder().encode(`${head}.${body}`))).toBe(true)
  })
})
