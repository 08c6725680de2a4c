import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keyWritesPerMinuteMax } from '../../../src/core/limits.ts'
import { plainApp, problemOf } from '../../support/app.ts'
import { bearer, json, noteRoutes } from '../../support/note_routes.ts'

beforeEach(() => void vi.spyOn(console, 'log').mockImplementation(() => undefined))
afterEach(() => vi.restoreAllMocks())

describe('writes from another site', () => {
  const cookie = { Cookie: '__Host-edgelog_access=owner' }
  it.each([
    ['a foreign site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
    ['a sibling site', { 'Sec-Fetch-Site': 'same-site', Origin: 'https://other.example.com' }],
    ['an old browser', { Origin: 'https://evil.example' }],
    ['a sandboxed frame', { Origin: 'null' }],
    ['a site that hides its origin', { 'Sec-Fetch-Site': 'cross-site' }],
  ])('with cookies are refused: %s', async (_, headers) => {
    expect(await problemOf(await plainApp(noteRoutes)('/notes', json({ title: 'a' }, { ...cookie, ...headers })))).toMatchObject({
      status: 403,
      code: 'cross_site',
    })
  })

  it('pass from our own pages, from programs, and with a header credential', async () => {
    const app = plainApp(noteRoutes)
    for (const headers of [
      { ...cookie, 'Sec-Fetch-Site': 'same-origin' },
      { ...cookie, Origin: 'https://logs.example.com' },
      cookie,
      { ...bearer('owner'), 'Sec-Fetch-Site': 'cross-site' },
    ]) {
      expect((await app('/notes', json({ title: 'a' }, headers))).status).toBe(201)
    }
  })

  it('as a form are refused even without cookies', async () => {
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'https://evil.example' },
      body: 'email=a',
    }
    expect((await plainApp(noteRoutes)('/login', init)).status).toBe(403)
  })
})

describe('other origins', () => {
  it('may call with a token, never with cookies', async () => {
    const { headers, status } = await plainApp(noteRoutes)('/notes', {
      method: 'OPTIONS',
      headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' },
    })
    expect([status, headers.get('Access-Control-Allow-Origin'), headers.get('Access-Control-Allow-Credentials')]).toEqual([204, '*', null])
    expect(headers.get('Access-Control-Allow-Headers')).toContain('Authorization')
  })

  it('can be limited to a list', async () => {
    const app = plainApp(noteRoutes, { ALLOWED_ORIGINS: 'https://app.example, https://b.example' })
    const allowed = async (Origin: string) => (await app('/csv', { headers: { Origin } })).headers.get('Access-Control-Allow-Origin')
    expect([await allowed('https://app.example'), await allowed('https://evil.example')]).toEqual(['https://app.example', null])
  })

  it('may read the answer to a refusal too', async () => {
    expect(
      (await plainApp(noteRoutes)('/notes', { headers: { Origin: 'https://app.example' } })).headers.get('Access-Control-Allow-Origin'),
    ).toBe('*')
  })
})

describe('rate limits', () => {
  it('tell what is left, and end in 429 with Retry-After and the limit by name', async () => {
    const app = plainApp(noteRoutes, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '3' })
    const left = []
    for (let i = 0; i < 3; i += 1) left.push((await app('/csv')).headers.get('RateLimit-Remaining'))
    expect(left).toEqual(['2', '1', '0'])
    const response = await app('/csv')
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(response.headers.get('RateLimit-Limit')).toBe('3')
    expect(await problemOf(response)).toMatchObject({
      status: 429,
      code: 'rate_limited',
      details: { anonymous_per_minute: ['at most 3 requests in 60 s'] },
    })
  })

  it('count each address, user and key apart, and bad credentials by address', async () => {
    const app = plainApp(noteRoutes, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '2', RATE_LIMIT_USER_PER_HOUR: '4' })
    const status = async (headers: Record<string, string>) => (await app('/notes', { headers })).status
    expect([await status(bearer('x')), await status(bearer('y')), await status(bearer('z'))]).toEqual([401, 401, 429])
    expect(await status({ 'CF-Connecting-IP': '203.0.113.9' })).toBe(401)
    expect([
      await status(bearer('owner')),
      await status(bearer('owner')),
      await status(bearer('viewer')),
      await status(bearer('owner')),
      await status(bearer('owner')),
    ]).toEqual([200, 200, 200, 200, 429])
  })

  it('bound what the keys of an organization write beside logs, together', async () => {
    const app = plainApp(noteRoutes, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '1' })
    const keys = [1, 2].map((n) => ({ 'X-API-Key': `elk_admin_${n}` }))
    const remove = (headers: Record<string, string> = {}) => app(`/notes/${crypto.randomUUID()}`, { method: 'DELETE', headers })
    for (let i = 0; i < keyWritesPerMinuteMax; i += 1) expect((await remove(keys[i % 2])).status).toBe(204)
    const refused = await remove(keys[0])
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(await problemOf(refused)).toMatchObject({
      status: 429,
      details: { organization_writes_per_minute: [expect.any(String) as string] },
    })
    const send = () => app('/notes', json({ title: 'a' }, keys[0]))
    expect([(await send()).status, (await app('/notes', { headers: keys[0] ?? {} })).status]).toEqual([201, 200])
    // People have a limit of their own.
    expect((await remove(bearer('owner'))).status).toBe(204)
  })

  it('refuse an address that showed too many unknown keys before the next is looked up, and nobody else', async () => {
    const app = plainApp(noteRoutes, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '2' })
    const post = async (key: string, headers: Record<string, string> = {}) =>
      app('/notes', json({ title: 'a' }, { 'X-API-Key': key, ...headers }))
    expect([(await post('elk_a')).status, (await post('elk_forgotten')).status, (await post('elk_b')).status]).toEqual([401, 201, 401])
    const refused = await post('elk_forgotten')
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect(await problemOf(refused)).toMatchObject({ status: 429, details: { anonymous_per_minute: [expect.any(String) as string] } })
    expect([(await post('elk_ingest')).status, (await app('/csv')).status]).toEqual([201, 200])
    expect((await post('elk_forgotten', { 'CF-Connecting-IP': '203.0.113.9' })).status).toBe(201)
  })

  it("count requests for organizations that are not the caller's by address", async () => {
    const app = plainApp(noteRoutes, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '2' })
    const status = async (id: string) => (await app('/notes', { headers: { ...bearer('owner'), 'X-Organization-Id': id } })).status
    const foreign = '01923f00-0000-7000-8000-00000000000f'
    expect([await status(foreign), await status(foreign), await status(foreign)]).toEqual([404, 404, 429])
  })

  it('are shared with other isolates through KV', async () => {
    const vars = { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '10' }
    const first = plainApp(noteRoutes, vars)
    for (let i = 0; i < 4; i += 1) await first('/csv')
    await first.settled()
    const [[key = '', value = ''] = []] = first.env.kv
    expect(key).toBe('rate:anonymous:127.0.0.1')
    const record = JSON.parse(value) as { w: number; now: Record<string, number>; before: object }
    expect(Object.values(record.now)).toEqual([expect.any(Number)])
    const second = plainApp(noteRoutes, vars)
    second.env.kv.set(key, JSON.stringify({ ...record, now: { another: 20 } }))
    await second('/csv')
    await second.settled()
    expect((await second('/csv')).status).toBe(429)
  })

  it.each(['', '7', '{"w":1}', '[]', '{"w":"x","now":{},"before":{}}'])(
    'do not stumble over what KV should not hold: %s',
    async (value) => {
      const app = plainApp(noteRoutes, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '10' })
      app.env.kv.set('rate:anonymous:127.0.0.1', value)
      for (let i = 0; i < 3; i += 1) expect((await app('/csv')).status).toBe(200)
      await app.settled()
    },
  )
})
