import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import type { Env } from '../../src/config.ts'
import { verifyApiKey } from '../../src/features/api-keys/verify.ts'
import { verifySession } from '../../src/features/auth/verify_session.ts'
import { previewHeaders } from '../../src/features/dev/preview.ts'
import { createRateLimiter } from '../../src/http/rate_limit.ts'
import { securityHeaderValues } from '../../src/http/security_headers.ts'
import { routes } from '../../src/routes.ts'
import { missingId } from '../support/hostile/samples.ts'
import { withoutLogLines } from '../support/quiet.ts'
import type { World } from '../support/world.ts'
import { callFrom, createWorld, randomAddress } from '../support/world.ts'

/*
 * What protects browsers, on every answer: of every route to everybody, and of everything that goes wrong.
 */

/** The only answers that anybody may keep: they are the same for all. */
const cacheable = new Map([
  ['jwks.get', 'public, max-age=300'],
  ['service.schema', 'public, max-age=300'],
])

/** Pages with a policy of their own, of development machines: mails are styled in their tags. */
const pagePolicies = new Map([['mail_previews.list', previewHeaders['Content-Security-Policy']]])

const services = () => ({ verifySession, verifyApiKey, rateLimiter: createRateLimiter() })
const specs = routes.map(({ spec }) => spec)
const writes = specs.filter(({ method, crossSite }) => method !== 'get' && crossSite !== true)
const addressOf = (path: string) => path.replace(/:(\w+)/g, (_, name: string) => (name === 'n' ? '0' : missingId(path)))

withoutLogLines()

let world: World
beforeAll(async () => {
  world = await createWorld()
})

/** What is missing or wrong among the headers of an answer. */
function faults({ headers, status }: Response, cacheControl = 'no-store', policy?: string): string[] {
  const wanted = { ...securityHeaderValues, 'Cache-Control': cacheControl, ...(policy && { 'Content-Security-Policy': policy }) }
  const wrong = Object.entries(wanted).filter(([name, value]) => headers.get(name) !== value)
  const found = wrong.map(([name]) => `${name}: ${headers.get(name)}`)
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(headers.get('X-Request-Id') ?? '')) found.push('no X-Request-Id')
  if (status === 401 && headers.get('WWW-Authenticate') === null) found.push('401 without WWW-Authenticate')
  if ((status === 429 || status === 503) && headers.get('Retry-After') === null) found.push(`${status} without Retry-After`)
  if (headers.get('Access-Control-Allow-Credentials') !== null) found.push('cookies for other origins')
  for (const name of ['Server', 'X-Powered-By']) if (headers.get(name) !== null) found.push(`tells ${name}`)
  return found
}

/** A request through an application of our own, whose bindings and routes a test may change. */
async function ask(app: ReturnType<typeof createApp>, bindings: Env, path: string, init: RequestInit = {}): Promise<Response> {
  const ctx = createExecutionContext()
  const headers = new Headers({ 'CF-Connecting-IP': randomAddress(), ...(init.headers as Record<string, string> | undefined) })
  const response = await app.fetch(new Request(`http://edgelog.test${path}`, { ...init, headers }), bindings, ctx)
  await waitOnExecutionContext(ctx)
  return response
}

describe('the headers that protect browsers', () => {
  it('say what we mean them to', () => {
    expect(securityHeaderValues['Strict-Transport-Security']).toBe('max-age=31536000; includeSubDomains')
    expect(securityHeaderValues['Content-Security-Policy']).toBe(
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    expect(Object.keys(securityHeaderValues).toSorted()).toEqual([
      'Cache-Control',
      'Content-Security-Policy',
      'Cross-Origin-Opener-Policy',
      'Cross-Origin-Resource-Policy',
      'Permissions-Policy',
      'Referrer-Policy',
      'Strict-Transport-Security',
      'X-Content-Type-Options',
      'X-Frame-Options',
    ])
  })

  it('are on every answer of every route: to nobody, to somebody, and to what is wrong', async () => {
    const wrong: string[] = []
    const statuses = new Set<number>()
    const check = async (what: string, response: Response, cacheControl?: string, policy?: string) => {
      statuses.add(response.status)
      wrong.push(...faults(response, cacheControl, policy).map((fault) => `${what} (${response.status}): ${fault}`))
      await response.body?.cancel()
    }
    for (const { id, method, path, access, json } of specs) {
      const address = addressOf(path)
      const call = (query: string, options: Parameters<typeof callFrom>[2] = {}) =>
        callFrom(randomAddress(), `${address}${query}`, { method: method.toUpperCase(), ...options })
      const kept = method === 'get' && access === 'public' ? cacheable.get(id) : undefined
      await check(`${id} to nobody`, await call(''), kept, pagePolicies.get(id))
      await check(`${id} asked wrongly`, await call('?unknown_to_every_route=1', { as: world.owner.accessToken }))
      await check(`${id} without slash, by OPTIONS`, await call('', { method: 'OPTIONS' }))
      await check(`${id} by a method that does not exist`, await call('', { method: 'PROPFIND' }))
      if (json)
        await check(
          `${id} with another type`,
          await call('', { as: world.owner.accessToken, body: 'x', headers: { 'Content-Type': 'text/plain' } }),
        )
      // Reading does no harm.
      if (method === 'get' && access !== 'public') await check(`${id} to the owner`, await call('', { as: world.owner.accessToken }))
    }
    expect(wrong).toEqual([])
    expect([200, 400, 401, 404, 405, 415].filter((status) => !statuses.has(status))).toEqual([])
  })

  it('tell of the rate limit on every answer that counts, refusals included', async () => {
    const wrong: string[] = []
    const names = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset']
    for (const { id, method, path, unlimited } of specs) {
      for (const as of [undefined, world.owner.accessToken, 'x']) {
        const response = await callFrom(randomAddress(), `${addressOf(path)}?unknown_to_every_route=1`, {
          method: method.toUpperCase(),
          as,
        })
        await response.body?.cancel()
        const told = names.filter((name) => /^\d+$/.test(response.headers.get(name) ?? ''))
        if (told.length !== (unlimited ? 0 : 3)) wrong.push(`${id} (${response.status}): ${told.join(', ')}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('are on a refusal of every kind', async () => {
    const viewer = await world.addMember('viewer')
    const broken = routes.map((one) => ({
      ...one,
      handle: async () => {
        throw new Error('broken')
      },
    }))
    const app = createApp(routes, services())
    const limited = { ...env, RATE_LIMIT_ANONYMOUS_PER_MINUTE: '1' }
    const jwks = '/.well-known/jwks.json'
    const fixed = { headers: { 'CF-Connecting-IP': '203.0.113.77' } }
    await ask(app, limited, jwks, fixed)
    const answers: [number, Response][] = [
      [404, await ask(app, env, '/nowhere')],
      [404, await ask(app, env, '/%00')],
      [405, await ask(app, env, jwks, { method: 'DELETE' })],
      [414, await ask(app, env, `${jwks}?${'x'.repeat(20_000)}`)],
      [401, await ask(app, env, '/api/v1/auth/me')],
      [403, await ask(app, env, '/api/v1/api-keys', { method: 'POST', headers: { Authorization: `Bearer ${viewer.accessToken}` } })],
      [429, await ask(app, limited, jwks, fixed)],
      [500, await ask(createApp(broken, services()), env, jwks)],
      // Not even a context can be built.
      [500, await ask(app, { ...env, PUBLIC_URL: 'nonsense' }, jwks)],
    ]
    for (const [status, response] of answers) expect([response.status, faults(response)]).toEqual([status, []])
  })
})

describe('other origins', () => {
  const preflight = (bindings: Env, path: string, method: string, origin: string) =>
    ask(createApp(routes, services()), bindings, path, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': method, 'Access-Control-Request-Headers': 'authorization,content-type' },
    })

  it('are told by a preflight of every route that they may call it, with a token and never with cookies', async () => {
    const wrong: string[] = []
    for (const { id, method, path } of specs) {
      const { status, headers } = await preflight(env, addressOf(path), method.toUpperCase(), 'https://app.example')
      const allowed = headers.get('Access-Control-Allow-Methods')?.split(',') ?? []
      const allowedHeaders = headers.get('Access-Control-Allow-Headers')?.toLowerCase().split(',') ?? []
      const fine =
        status === 204 &&
        headers.get('Access-Control-Allow-Origin') === '*' &&
        headers.get('Access-Control-Allow-Credentials') === null &&
        allowed.includes(method.toUpperCase()) &&
        ['authorization', 'content-type'].every((name) => allowedHeaders.includes(name))
      if (!fine) wrong.push(`${id}: ${status} ${JSON.stringify([...headers])}`)
    }
    expect(wrong).toEqual([])
  })

  it('are told nothing when the configuration does not name them', async () => {
    const listed = { ...env, ALLOWED_ORIGINS: 'https://app.example, https://b.example' }
    const told = async (origin: string) => {
      const { headers } = await preflight(listed, '/api/v1/auth/me', 'GET', origin)
      return [headers.get('Access-Control-Allow-Origin'), headers.get('Access-Control-Allow-Credentials'), headers.get('Vary')]
    }
    expect(await told('https://app.example')).toEqual(['https://app.example', null, expect.stringContaining('Origin') as string])
    for (const stranger of ['https://evil.example', 'https://app.example.evil.example', 'http://app.example', 'null'])
      expect((await told(stranger)).slice(0, 2)).toEqual([null, null])
  })
})

describe('cookies', () => {
  const foreign: Record<string, Record<string, string>> = {
    'a foreign site': { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' },
    'a sibling site': { 'Sec-Fetch-Site': 'same-site', Origin: 'https://evil.edgelog.test' },
    'an old browser': { Origin: 'https://evil.example' },
    'a sandboxed frame': { 'Sec-Fetch-Site': 'cross-site', Origin: 'null' },
    'a site that hides its origin': { 'Sec-Fetch-Site': 'cross-site' },
  }

  it('of either kind, sent by another site, are refused by every route that writes', async () => {
    const wrong: string[] = []
    const jar = [`__Host-edgelog_access=${world.owner.accessToken}`, `__Secure-edgelog_refresh=${world.owner.refreshToken}`]
    for (const { id, method, path } of writes) {
      for (const [name, headers] of Object.entries(foreign)) {
        for (const Cookie of jar) {
          const response = await callFrom(randomAddress(), addressOf(path), {
            method: method.toUpperCase(),
            headers: { ...headers, Cookie },
          })
          const { code } = await response.json<{ code: string }>()
          if (response.status !== 403 || code !== 'cross_site') wrong.push(`${id} from ${name}: ${response.status} ${code}`)
        }
      }
    }
    expect(wrong).toEqual([])
    expect(writes.length).toBeGreaterThan(30)
  })

  it('pass from our own pages at every route that writes', async () => {
    const wrong: string[] = []
    const Cookie = `__Host-edgelog_access=${world.owner.accessToken}`
    for (const { id, method, path } of writes) {
      for (const headers of [{ 'Sec-Fetch-Site': 'same-origin' }, { Origin: 'http://edgelog.test' }]) {
        const response = await callFrom(randomAddress(), `${addressOf(path)}?unknown_to_every_route=1`, {
          method: method.toUpperCase(),
          headers: { Cookie, ...headers },
        })
        const { code } = await response.json<{ code: string }>()
        if (code === 'cross_site' || response.status === 401) wrong.push(`${id}: ${response.status} ${code}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('are for https alone, out of reach of scripts, for this host alone, and hold all that the answer does not', async () => {
    const { email, password } = world.owner
    const json = { email, password, transport: 'cookie' }
    const response = await callFrom(randomAddress(), '/api/v1/auth/login', { json, headers: { 'Sec-Fetch-Site': 'same-origin' } })
    expect(response.status).toBe(200)
    expect(Object.keys(await response.json<object>()).toSorted()).toEqual(['expires_in', 'refresh_expires_at', 'transport'])
    const cookies = response.headers.getSetCookie()
    const token = String.raw`[\w.-]+`
    expect(cookies).toEqual([
      expect.stringMatching(new RegExp(`^__Host-edgelog_access=${token}; Max-Age=900; Path=/; HttpOnly; Secure; SameSite=Lax$`)) as string,
      expect.stringMatching(
        new RegExp(`^__Secure-edgelog_refresh=${token}; Path=/api/v1/auth/refresh; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$`),
      ) as string,
    ])
  })

  it('are not given to a page of another site', async () => {
    const { email, password } = world.owner
    for (const [name, headers] of Object.entries(foreign)) {
      const response = await callFrom(randomAddress(), '/api/v1/auth/login', { json: { email, password, transport: 'cookie' }, headers })
      expect([name, response.status, response.headers.getSetCookie()]).toEqual([name, 403, []])
    }
  })
})
