import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { queryInteger, uuidSchema } from '../../../src/core/primitives.ts'
import { problem } from '../../../src/core/problems.ts'
import { emptyReply, rawReply, route } from '../../../src/http/route.ts'
import { plainApp, problemOf } from '../../support/app.ts'

const noteSchema = z.object({ title: z.string() })
const routes = [
  route(
    {
      id: 'note.list',
      method: 'get',
      path: '/notes',
      summary: '',
      access: 'logs:read',
      query: z.strictObject({ page: queryInteger(1, 9).default(1) }),
      replies: { 200: noteSchema },
      problems: [],
    },
    async ({ query }) => ({ status: 200, body: { title: `page ${query.page}`, secret: 'x' } }),
  ),
  route(
    {
      id: 'note.create',
      method: 'post',
      path: '/notes',
      summary: '',
      access: 'logs:write',
      json: z.strictObject({ title: z.string() }),
      replies: { 201: noteSchema },
      problems: [],
    },
    async ({ json }) => ({ status: 201, body: json }),
  ),
  route(
    { id: 'note.own', method: 'get', path: '/notes/own', summary: '', access: 'session', replies: { 200: noteSchema }, problems: [] },
    async (_, { user }) => ({ status: 200, body: { title: user.email } }),
  ),
  route(
    {
      id: 'note.delete',
      method: 'delete',
      path: '/notes/:id',
      summary: '',
      access: 'logs:delete',
      param: z.strictObject({ id: uuidSchema }),
      replies: { 204: emptyReply('Gone.') },
      problems: [],
    },
    async () => ({ status: 204 }),
  ),
  route(
    {
      id: 'form.login',
      method: 'post',
      path: '/login',
      summary: '',
      access: 'public',
      json: z.strictObject({ email: z.string() }),
      form: true,
      replies: { 200: noteSchema },
      problems: [],
    },
    async ({ json }) => ({ status: 200, body: { title: json.email } }),
  ),
  route(
    {
      id: 'raw.csv',
      method: 'get',
      path: '/csv',
      summary: '',
      access: 'public',
      replies: { 200: rawReply('text/csv', 'Rows.') },
      problems: [],
    },
    async () => new Response('a,b', { headers: { 'Content-Type': 'text/csv' } }),
  ),
  route(
    { id: 'fail.boom', method: 'get', path: '/boom', summary: '', access: 'public', replies: { 200: noteSchema }, problems: [] },
    async () => {
      throw new Error('password=hunter2')
    },
  ),
  route(
    { id: 'fail.busy', method: 'get', path: '/busy', summary: '', access: 'public', replies: { 200: noteSchema }, problems: [] },
    async () => {
      throw Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true })
    },
  ),
  route(
    { id: 'fail.gone', method: 'get', path: '/gone', summary: '', access: 'public', replies: { 200: noteSchema }, problems: ['not_found'] },
    async () => {
      throw problem('not_found', 'No such note.')
    },
  ),
]
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })
const json = (body: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
let lines: string[]

beforeEach(() => {
  lines = []
  for (const kind of ['log', 'error'] as const) vi.spyOn(console, kind).mockImplementation((text: string) => void lines.push(text))
})
afterEach(() => vi.restoreAllMocks())

describe('addresses and methods', () => {
  it('reach a route with and without a trailing slash, and by HEAD', async () => {
    const app = plainApp(routes)
    expect(await (await app('/notes/', { headers: bearer('owner') })).json()).toEqual({ title: 'page 1' })
    const head = await app('/notes', { method: 'HEAD', headers: bearer('owner') })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('prefer the fixed path to the one with a parameter', async () => {
    expect(await (await plainApp(routes)('/notes/own', { headers: bearer('owner') })).json()).toEqual({ title: 'ann@example.com' })
  })

  it('answer 405 with Allow for a method that a path lacks', async () => {
    const response = await plainApp(routes)('/notes', { method: 'DELETE' })
    expect(response.headers.get('Allow')).toBe('GET, HEAD, POST')
    expect(await problemOf(response)).toMatchObject({ status: 405, code: 'method_not_allowed' })
    expect((await plainApp(routes)('/notes/own', { method: 'DELETE' })).status).toBe(405)
  })

  it.each(['/nothing', '/notes/own/more', '/notes%2fown', '/../notes/x/y', '//notes', '/notes/%00/x'])(
    'answer 404 for %s',
    async (path) => {
      expect(await problemOf(await plainApp(routes)(path, { headers: bearer('owner') }))).toMatchObject({ status: 404, code: 'not_found' })
    },
  )
})

describe('credentials', () => {
  it('are asked for with WWW-Authenticate', async () => {
    const response = await plainApp(routes)('/notes')
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="edgelog"')
    expect(await problemOf(response)).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  it.each([
    ['a bad token', bearer('x'), 'invalid_token'],
    ['a bad key', { 'X-API-Key': 'elk_x' }, 'invalid_api_key'],
    ['a bad key as bearer', bearer('elk_x'), 'invalid_api_key'],
    ['another scheme', { Authorization: 'Basic b3duZXI6' }, 'unauthenticated'],
    ['an empty bearer', { Authorization: 'Bearer ' }, 'unauthenticated'],
  ])('are refused: %s', async (_, headers, code) => {
    expect(await problemOf(await plainApp(routes)('/notes', { headers }))).toMatchObject({ status: 401, code })
  })

  it('work from both headers and from the cookie', async () => {
    const app = plainApp(routes)
    expect((await app('/notes', { headers: { Cookie: '__Host-edgelog_access=owner' } })).status).toBe(200)
    expect((await app('/notes', json({ title: 'a' }, bearer('elk_ingest')))).status).toBe(201)
    expect((await app('/notes', json({ title: 'a' }, { 'X-API-Key': 'elk_ingest' }))).status).toBe(201)
  })

  it('without the permission are refused by its name', async () => {
    const app = plainApp(routes)
    const viewer = await problemOf(await app('/notes', json({ title: 'a' }, bearer('viewer'))))
    expect(viewer).toMatchObject({ status: 403, code: 'forbidden', detail: 'The role viewer lacks the permission logs:write.' })
    expect((await problemOf(await app('/notes', { headers: { 'X-API-Key': 'elk_ingest' } }))).detail).toContain('logs:read')
    expect((await problemOf(await app('/notes/own', { headers: { 'X-API-Key': 'elk_ingest' } }))).status).toBe(403)
    expect((await problemOf(await app('/notes', { headers: bearer('nobody') }))).status).toBe(403)
    expect((await app('/notes/own', { headers: bearer('nobody') })).status).toBe(200)
  })

  it('name an organization by UUID only', async () => {
    const response = await plainApp(routes)('/notes', { headers: { ...bearer('owner'), 'X-Organization-Id': "x' OR 1" } })
    expect(await problemOf(response)).toMatchObject({ status: 400, details: { 'X-Organization-Id': ['must be a UUID'] } })
  })
})

describe('input', () => {
  const post = async (body: unknown, headers: Record<string, string> = {}) =>
    problemOf(await plainApp(routes)('/notes', json(body, { ...bearer('owner'), ...headers })))

  it('in the query is checked and nothing unknown passes', async () => {
    const app = plainApp(routes)
    const get = async (query: string) => problemOf(await app(`/notes?${query}`, { headers: bearer('owner') }))
    expect(await get('pages=2')).toMatchObject({ status: 400, code: 'validation_failed', details: { pages: ['is not known here'] } })
    expect((await get('page=0')).details).toEqual({ page: ['must be at least 1'] })
    expect((await get('page=1&page=2')).details).toHaveProperty('page')
    expect((await get('__proto__=1')).details).toHaveProperty('__proto__')
    expect((await problemOf(await app('/csv?x=1'))).details).toEqual({ x: ['is not known here'] })
  })

  it('in the path is checked', async () => {
    for (const id of ['1', '..%2f1', '%00', '%ff', "'--"]) {
      const response = await plainApp(routes)(`/notes/${id}`, { method: 'DELETE', headers: bearer('owner') })
      expect(await problemOf(response)).toMatchObject({ status: 400, details: { id: ['must be a UUID'] } })
    }
  })

  it.each([
    ['empty', ''],
    ['blank', ' \n'],
    ['cut off', '{"title":"a'],
    ['followed by more', '{"title":"a"}}'],
    ['with a name twice', '{"title":"a","title":"b"}'],
    ['30,000 deep', '['.repeat(30_000)],
    ['with a NUL outside a string', '{"title":\0"a"}'],
    ['NaN', '{"title":NaN}'],
  ])('that is %s is malformed JSON', async (_, body) => {
    expect(await post(body)).toMatchObject({ status: 400, code: 'malformed_json' })
  })

  it.each(['null', '[]', '7', '"a"', 'true'])('that is %s and no object is named as such', async (body) => {
    expect(await post(body)).toMatchObject({ status: 400, code: 'validation_failed', details: { '': [expect.any(String)] } })
  })

  it('names each wrong field', async () => {
    expect((await post('{"title":7,"role":"owner","__proto__":{"admin":true}}')).details).toEqual({
      title: [expect.any(String)],
      role: ['is not known here'],
      ['__proto__']: ['is not known here'],
    })
  })

  it('must be UTF-8', async () => {
    const body = Uint8Array.from([...Buffer.from('{"title":"'), 0xff, ...Buffer.from('"}')])
    const response = await plainApp(routes)('/notes', {
      method: 'POST',
      headers: { ...bearer('owner'), 'Content-Type': 'application/json' },
      body,
    })
    expect(await problemOf(response)).toMatchObject({ code: 'malformed_json', detail: 'The body is not valid UTF-8.' })
  })

  it.each([
    ['no type', {}],
    ['text', { 'Content-Type': 'text/plain' }],
    ['a form where none is taken', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['another charset', { 'Content-Type': 'application/json; charset=utf-16' }],
    ['a list of types', { 'Content-Type': 'application/json, text/plain' }],
  ])('with %s is refused with 415', async (_, headers) => {
    const init = { method: 'POST', headers: { ...bearer('owner'), ...headers }, body: new TextEncoder().encode('{"title":"a"}') }
    expect(await problemOf(await plainApp(routes)('/notes', init))).toMatchObject({ status: 415, code: 'unsupported_media_type' })
  })

  it('must not be compressed', async () => {
    expect(await post('x', { 'Content-Encoding': 'gzip' })).toMatchObject({ status: 415, code: 'unsupported_encoding' })
    expect(await post('x', { 'Content-Encoding': 'gzip, gzip' })).toMatchObject({ status: 415 })
  })

  it('of 64 KiB is taken and one byte more is not, whatever Content-Length says', async () => {
    const app = plainApp(routes)
    const body = (bytes: number) => `{"title":"${'x'.repeat(bytes - 12)}"}`
    expect((await app('/notes', json(body(65_536), bearer('owner')))).status).toBe(201)
    expect(await post(body(65_537))).toMatchObject({ status: 413, code: 'payload_too_large', detail: expect.stringContaining('65536') })
    let sent = 0
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array((sent += 16_384) && 16_384).fill(0x20)) })
    const response = await app('/notes', {
      method: 'POST',
      headers: { ...bearer('owner'), 'Content-Type': 'application/json' },
      body: endless,
      duplex: 'half',
    } as RequestInit)
    expect(await problemOf(response)).toMatchObject({ status: 413 })
    expect(sent).toBeLessThan(200_000)
  })

  it('may be a form where a route says so', async () => {
    const form = (body: string) =>
      plainApp(routes)('/login', { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body })
    expect(await (await form('email=a%40b.c')).json()).toEqual({ title: 'a@b.c' })
    expect((await problemOf(await form('email=a&email=b'))).details).toHaveProperty('email')
    expect((await problemOf(await form('__proto__=x'))).details).toHaveProperty('__proto__')
  })
})

describe('writes from another site', () => {
  const cookie = { Cookie: '__Host-edgelog_access=owner' }
  it.each([
    ['a foreign site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
    ['a sibling site', { 'Sec-Fetch-Site': 'same-site', Origin: 'https://other.example.com' }],
    ['an old browser', { Origin: 'https://evil.example' }],
    ['a sandboxed frame', { Origin: 'null' }],
    ['a site that hides its origin', { 'Sec-Fetch-Site': 'cross-site' }],
  ])('with cookies are refused: %s', async (_, headers) => {
    expect(await problemOf(await plainApp(routes)('/notes', json({ title: 'a' }, { ...cookie, ...headers })))).toMatchObject({
      status: 403,
      code: 'cross_site',
    })
  })

  it('pass from our own pages, from programs, and with a header credential', async () => {
    const app = plainApp(routes)
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
    expect((await plainApp(routes)('/login', init)).status).toBe(403)
  })
})

describe('every answer', () => {
  it('carries the security headers, a request id of ours, and is not stored', async () => {
    for (const path of ['/csv', '/nothing', '/boom']) {
      const { headers } = await plainApp(routes)(path, { headers: { 'X-Request-Id': 'mine' } })
      expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(headers.get('X-Frame-Options')).toBe('DENY')
      expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'")
      expect(headers.get('Strict-Transport-Security')).toContain('max-age=63072000')
      expect(headers.get('Referrer-Policy')).toBe('no-referrer')
      expect(headers.get('Cache-Control')).toBe('no-store')
    }
  })

  it('writes one log line without credentials, query or body', async () => {
    await plainApp(routes)('/notes?page=2', { headers: { ...bearer('owner'), 'X-Request-Id': 'trace-7' } })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      message: 'request',
      method: 'GET',
      route: 'note.list',
      status: 200,
      actor: 'user',
      client_request_id: 'trace-7',
      ms: expect.any(Number),
    })
    expect(lines[0]).not.toMatch(/owner|page=/)
  })

  it('shows nothing of an unexpected error but the request id, and logs it', async () => {
    const response = await plainApp(routes)('/boom')
    const body = await response.text()
    expect(response.status).toBe(500)
    expect(body).not.toContain('hunter2')
    expect(body).toContain(response.headers.get('X-Request-Id'))
    expect(lines.some((line) => line.includes('hunter2') && line.includes('"level":"error"'))).toBe(true)
  })

  it('is 503 with Retry-After when a storage is overloaded', async () => {
    const response = await plainApp(routes)('/busy')
    expect(response.headers.get('Retry-After')).toBe('5')
    expect(await problemOf(response)).toMatchObject({ status: 503, code: 'unavailable' })
  })
})

describe('other origins', () => {
  it('may call with a token, never with cookies', async () => {
    const { headers, status } = await plainApp(routes)('/notes', {
      method: 'OPTIONS',
      headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'POST' },
    })
    expect([status, headers.get('Access-Control-Allow-Origin'), headers.get('Access-Control-Allow-Credentials')]).toEqual([204, '*', null])
    expect(headers.get('Access-Control-Allow-Headers')).toContain('Authorization')
  })

  it('can be limited to a list', async () => {
    const app = plainApp(routes, { ALLOWED_ORIGINS: 'https://app.example, https://b.example' })
    const allowed = async (Origin: string) => (await app('/csv', { headers: { Origin } })).headers.get('Access-Control-Allow-Origin')
    expect([await allowed('https://app.example'), await allowed('https://evil.example')]).toEqual(['https://app.example', null])
  })

  it('may read the answer to a refusal too', async () => {
    expect(
      (await plainApp(routes)('/notes', { headers: { Origin: 'https://app.example' } })).headers.get('Access-Control-Allow-Origin'),
    ).toBe('*')
  })
})

describe('rate limits', () => {
  it('tell what is left, and end in 429 with Retry-After and the limit by name', async () => {
    const app = plainApp(routes, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '3' })
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
    const app = plainApp(routes, { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '2', RATE_LIMIT_USER_PER_HOUR: '4' })
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

  it('are shared with other isolates through KV', async () => {
    const vars = { RATE_LIMIT_ANONYMOUS_PER_MINUTE: '10' }
    const first = plainApp(routes, vars)
    for (let i = 0; i < 4; i += 1) await first('/csv')
    await first.settled()
    const [[key, value] = []] = first.env.kv
    expect(key).toMatch(/^rate:anonymous:127\.0\.0\.1:\d+$/)
    expect(Number(value)).toBeGreaterThan(0)
    const second = plainApp(routes, vars)
    second.env.kv.set(key ?? '', '10')
    await second('/csv')
    await second.settled()
    expect((await second('/csv')).status).toBe(429)
  })
})
