import { eq } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { refreshGraceMs, refreshTokenTtlMs, sessionAgeMsMax } from '../../src/core/limits.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { sessions, users } from '../../src/db/schema.ts'
import { refresh } from '../../src/features/auth/refresh.ts'
import { newRefreshToken, parseRefreshToken } from '../../src/features/auth/refresh_token.ts'
import { problemOf } from '../support/app.ts'
import { createWorld, testCtx } from '../support/world.ts'
import type { World } from '../support/world.ts'

const path = '/api/v1/auth/refresh'
const start = Date.now()
const at = (ms: number): BaseCtx => ({ ...testCtx(), now: () => start + ms })

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'passed',
    (error: { code?: string }) => error.code ?? 'error',
  )
}

async function meStatus({ call }: World, token: string): Promise<number> {
  return (await call('/api/v1/auth/me', { as: token })).status
}

describe('refreshing', () => {
  it('gives a new pair of tokens that work', async () => {
    const world = await createWorld()
    const response = await world.call(path, { json: { refresh_token: world.owner.refreshToken } })
    expect(response.status).toBe(200)
    const body = await response.json<{ access_token: string; refresh_token: string }>()
    expect(body.refresh_token).not.toBe(world.owner.refreshToken)
    expect(await meStatus(world, body.access_token)).toBe(200)
    expect((await world.call(path, { json: { refresh_token: body.refresh_token } })).status).toBe(200)
  })

  it('gives requests that race with one token the same successor', async () => {
    const { call, owner } = await createWorld()
    const answers = await Promise.all(Array.from({ length: 8 }, () => call(path, { json: { refresh_token: owner.refreshToken } })))
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 8 }, () => 200))
    const tokens = await Promise.all(answers.map(async (answer) => (await answer.json<{ refresh_token: string }>()).refresh_token))
    expect(new Set(tokens).size).toBe(1)
    expect((await call(path, { json: { refresh_token: tokens[0] } })).status).toBe(200)
  })

  it('takes the token one step behind for ten seconds', async () => {
    const { owner } = await createWorld()
    const first = await refresh(at(0), owner.refreshToken)
    const again = await refresh(at(refreshGraceMs), owner.refreshToken)
    expect(again.refreshToken).toBe(first.refreshToken)
    expect(again.refreshExpiresMs).toBe(first.refreshExpiresMs)
  })

  it('ends the session when the token one step behind comes after ten seconds', async () => {
    const world = await createWorld()
    const first = await refresh(at(0), world.owner.refreshToken)
    expect(await codeOf(refresh(at(refreshGraceMs + 1), world.owner.refreshToken))).toBe('invalid_refresh_token')
    expect(await codeOf(refresh(at(refreshGraceMs + 2), first.refreshToken))).toBe('invalid_refresh_token')
    expect(await meStatus(world, world.owner.accessToken)).toBe(401)
    expect(await meStatus(world, first.accessToken)).toBe(401)
  })

  it('ends the session when a token two steps behind comes, however soon', async () => {
    const { owner } = await createWorld()
    const first = await refresh(at(0), owner.refreshToken)
    const second = await refresh(at(1), first.refreshToken)
    expect(await codeOf(refresh(at(2), owner.refreshToken))).toBe('invalid_refresh_token')
    expect(await codeOf(refresh(at(3), second.refreshToken))).toBe('invalid_refresh_token')
  })

  it('does not end a session for somebody who only knows its id', async () => {
    const world = await createWorld()
    const sessionId = parseRefreshToken(world.owner.refreshToken)?.sessionId ?? ''
    expect(await codeOf(refresh(at(0), newRefreshToken(sessionId).text))).toBe('invalid_refresh_token')
    expect(await meStatus(world, world.owner.accessToken)).toBe(200)
    expect(await codeOf(refresh(at(0), world.owner.refreshToken))).toBe('passed')
  })

  it('extends the session by seven days from each use, and not beyond', async () => {
    const { owner } = await createWorld()
    const first = await refresh(at(0), owner.refreshToken)
    expect(first.refreshExpiresMs).toBe(start + refreshTokenTtlMs)
    const second = await refresh(at(refreshTokenTtlMs - 1), first.refreshToken)
    expect(await codeOf(refresh(at(2 * refreshTokenTtlMs - 1), second.refreshToken))).toBe('invalid_refresh_token')
  })

  it('extends no session beyond ninety days from its login', async () => {
    const { owner } = await createWorld()
    const createdAt = start - sessionAgeMsMax + 5_000
    await testCtx().db.update(sessions).set({ createdAt }).where(eq(sessions.userId, owner.userId))
    const last = await refresh(at(0), owner.refreshToken)
    expect(last.refreshExpiresMs).toBe(start + 5_000)
    expect(await codeOf(refresh(at(5_000), last.refreshToken))).toBe('invalid_refresh_token')
  })

  it('keeps only hashes of the tokens', async () => {
    const { owner } = await createWorld()
    const { refreshToken } = await refresh(at(0), owner.refreshToken)
    const stored = JSON.stringify(await testCtx().db.select().from(sessions).where(eq(sessions.userId, owner.userId)))
    for (const token of [owner.refreshToken, refreshToken]) {
      for (let i = 0; i + 20 <= token.length; i += 10) expect(stored).not.toContain(token.slice(i, i + 20))
    }
  })

  it('is over for a deleted user', async () => {
    const { owner } = await createWorld()
    await testCtx().db.update(users).set({ deletedAt: 1 }).where(eq(users.id, owner.userId))
    expect(await codeOf(refresh(at(0), owner.refreshToken))).toBe('invalid_refresh_token')
  })

  it('reads the cookie and answers with cookies', async () => {
    const { call, owner } = await createWorld()
    const headers = { Cookie: `__Secure-edgelog_refresh=${owner.refreshToken}`, 'Sec-Fetch-Site': 'same-origin' }
    const response = await call(path, { method: 'POST', headers })
    expect(response.status).toBe(200)
    expect(await response.json()).not.toHaveProperty('refresh_token')
    expect(response.headers.getSetCookie().map((cookie) => cookie.split('=')[0])).toEqual([
      '__Host-edgelog_access',
      '__Secure-edgelog_refresh',
    ])
  })

  it('needs a token, from wherever', async () => {
    const { call } = await createWorld()
    expect(await problemOf(await call(path, { method: 'POST' }))).toMatchObject({ status: 401, code: 'invalid_refresh_token' })
  })

  it('does not let another site use the cookie', async () => {
    const { call, owner } = await createWorld()
    const headers = {
      Cookie: `__Secure-edgelog_refresh=${owner.refreshToken}`,
      'Sec-Fetch-Site': 'cross-site',
      Origin: 'https://evil.example.com',
    }
    for (const body of [{ json: {} }, { method: 'POST' }]) {
      expect(await problemOf(await call(path, { ...body, headers }))).toMatchObject({ status: 403, code: 'cross_site' })
    }
  })

  it.each([[{}], [{ refresh_token: '' }], [{ refresh_token: 'a'.repeat(107) }], [{ refresh_token: 'nonsense' }]])(
    'answers 401 to %j',
    async (json) => {
      const { call } = await createWorld()
      const response = await call(path, { json })
      expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="edgelog", error="invalid_token"')
      expect(await problemOf(response)).toMatchObject({ status: 401, code: 'invalid_refresh_token' })
    },
  )
})
