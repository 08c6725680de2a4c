import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { keyKinds, kindScopes } from '../../src/core/permissions.ts'
import type { KeyKind } from '../../src/core/permissions.ts'
import { forgetKeysOf } from '../../src/features/api-keys/cache.ts'
import { verifyApiKey } from '../../src/features/api-keys/verify.ts'
import { exportSections } from '../../src/features/auth/export_me_rows.ts'
import { verifySession } from '../../src/features/auth/verify_session.ts'
import { accessCookie } from '../../src/http/authenticate.ts'
import { createRateLimiter } from '../../src/http/rate_limit.ts'
import type { AnyRouteSpec, Route } from '../../src/http/route.ts'
import { routes } from '../../src/routes.ts'
import { faultyEnv } from '../support/faulty.ts'
import { validBody } from '../support/hostile/access_attacks.ts'
import { fillPath, missingId, querySamples, thingMakers } from '../support/hostile/samples.ts'
import { say, withoutLogLines } from '../support/quiet.ts'
import { makeStaff } from '../support/tenancy.ts'
import type { World } from '../support/world.ts'
import { createWorld, randomAddress } from '../support/world.ts'

/*
 * How often a request asks D1: each statement and each batch is one round trip. What is counted up to the handler is
 * authentication; what the handler itself asks is shown as a table.
 */

withoutLogLines()

const guarded = routes.filter(({ spec }) => spec.access !== 'public')

let world: World
const keys = new Map<KeyKind, string>()
beforeAll(async () => {
  world = await createWorld()
  for (const kind of keyKinds) keys.set(kind, (await world.createKey(kind)).key)
})

interface Trips {
  /** Round trips when the handler began; undefined if it never did. */
  before: number | undefined
  /** All, work behind the answer included. */
  all: number
  status: number
}

/** A request over a database that counts; `run` decides whether the route's own handler works. */
async function count(spec: AnyRouteSpec, path: string, headers: Record<string, string>, run: boolean): Promise<Trips> {
  let trips = 0
  let before: number | undefined
  const watched = routes.map((one): Route => {
    if (one.spec.id !== spec.id) return one
    return {
      spec,
      handle: async (...args) => {
        before = trips
        return run ? one.handle(...args) : new Response(null, { status: 204 })
      },
    }
  })
  const counted = faultyEnv(env, (name) => {
    if (name.startsWith('DB.')) trips += 1
    return 'works'
  })
  const app = createApp(watched, { verifySession, verifyApiKey, rateLimiter: createRateLimiter() })
  const { json } = validBody(spec)
  const all = new Headers({
    'CF-Connecting-IP': randomAddress(),
    ...(json !== undefined && { 'Content-Type': 'application/json' }),
    ...headers,
  })
  const ctx = createExecutionContext()
  const query = new URLSearchParams(querySamples[spec.id]).toString()
  const init = { method: spec.method.toUpperCase(), headers: all, ...(json !== undefined && { body: JSON.stringify(json) }) }
  const response = await app.fetch(new Request(`http://edgelog.test${path}?${query}`, init), counted, ctx)
  // To its end: an export asks as it goes.
  await response.arrayBuffer()
  await waitOnExecutionContext(ctx)
  return { before, all: trips, status: response.status }
}

/** The route's address with the caller's own tenant in it, and for all else what nothing has. */
function ownPath({ path, tenant }: AnyRouteSpec, { accountId, organizationId }: World): string {
  const id = path.includes('/accounts/') ? accountId : organizationId
  return fillPath(tenant === undefined ? path : path.replace(':id', id), missingId(path))
}

/** A kind of key that may call the route. */
function kindFor({ access }: AnyRouteSpec): KeyKind | undefined {
  return keyKinds.find((kind) => kindScopes[kind].some((scope) => scope === access))
}

describe('authentication asks D1', () => {
  it.each([
    ['an access token', () => ({ Authorization: `Bearer ${world.owner.accessToken}` })],
    ['a cookie', () => ({ Cookie: `${accessCookie}=${world.owner.accessToken}` })],
  ] as const)('once for a person who shows %s, at every route', async (_, headers) => {
    const wrong: string[] = []
    for (const { spec } of guarded.filter((one) => one.spec.access !== 'staff')) {
      const { before, status } = await count(spec, ownPath(spec, world), headers(), false)
      if (before !== 1) wrong.push(`${spec.id}: ${before} before its handler (${status})`)
    }
    expect(wrong).toEqual([])
  })

  it('never for a key that is remembered, and once for one that is not, at every route for keys', async () => {
    const wrong: string[] = []
    let seen = 0
    for (const { spec } of guarded) {
      const kind = kindFor(spec)
      if (kind === undefined) continue
      seen += 1
      const headers = { 'X-API-Key': keys.get(kind) ?? '' }
      // Once before, so that its use is noted already: that is written behind an answer, once an hour.
      await count(spec, ownPath(spec, world), headers, false)
      const cached = await count(spec, ownPath(spec, world), headers, false)
      forgetKeysOf({ organizationId: world.organizationId })
      const uncached = await count(spec, ownPath(spec, world), headers, false)
      if (cached.before !== 0 || uncached.before !== 1)
        wrong.push(`${spec.id}: ${cached.before} remembered, ${uncached.before} forgotten (${cached.status}, ${uncached.status})`)
    }
    expect(wrong).toEqual([])
    expect(seen).toBeGreaterThan(15)
  })

  it('once more for staff who act as staff: that is written down before they may', async () => {
    const staff = await world.addMember('viewer')
    await makeStaff(staff)
    const wrong: string[] = []
    for (const { spec } of guarded.filter((one) => one.spec.access === 'staff' || one.spec.access === 'organization:write')) {
      const { before } = await count(spec, ownPath(spec, world), { Authorization: `Bearer ${staff.accessToken}` }, false)
      if (before !== 2) wrong.push(`${spec.id}: ${before}`)
    }
    expect(wrong).toEqual([])
  })

  it('never for what is no credential: a token of nobody, a key of a wrong form', async () => {
    for (const { spec } of guarded) {
      for (const Authorization of ['Bearer x', 'Bearer elk_admin_x', 'Basic eDp5']) {
        const { all, status } = await count(spec, ownPath(spec, world), { Authorization }, false)
        expect([spec.id, all, status]).toEqual([spec.id, 0, 401])
      }
    }
  })
})

describe('queries per request', () => {
  it('are few at every route', async () => {
    const lines: string[] = []
    const many: string[] = []
    for (const { spec } of routes) {
      // A tenant of its own for each, since some routes end what they run in.
      const own = await createWorld()
      if (spec.access === 'staff') await makeStaff(own.owner)
      const make = thingMakers[spec.path]
      const path = make ? fillPath(spec.path, await make(own)) : ownPath(spec, own)
      const headers: Record<string, string> = spec.access === 'public' ? {} : { Authorization: `Bearer ${own.owner.accessToken}` }
      const { before, all, status } = await count(spec, path, headers, true)
      lines.push(`| ${spec.method.toUpperCase()} ${spec.path} | ${before ?? '-'} | ${all} | ${status} |`)
      // The export of all that is known of a person reads its sections one after the other.
      if (all > (spec.id === 'auth.export_me' ? exportSections.length + 5 : 8)) many.push(`${spec.id}: ${all}`)
    }
    say(['| Route | D1 before the handler | D1 in all | Status |', '| --- | --- | --- | --- |', ...lines].join('\n'))
    expect(lines).toHaveLength(routes.length)
    expect(many).toEqual([])
  }, 120_000)
})
