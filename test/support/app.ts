import { createApp } from '../../src/app.ts'
import type { Env } from '../../src/config.ts'
import { problem } from '../../src/core/problems.ts'
import type { Services } from '../../src/http/mount.ts'
import { createRateLimiter } from '../../src/http/rate_limit.ts'
import { emptyReply, route } from '../../src/http/route.ts'
import type { Route } from '../../src/http/route.ts'
import { plainLogSettings } from './usage.ts'

export const organizationId = '01923f00-0000-7000-8000-00000000000a'
const tenant = { organizationId, accountId: '01923f00-0000-7000-8000-00000000000b', logSettings: plainLogSettings }
const user = { id: '01923f00-0000-7000-8000-00000000000c', email: 'ann@example.com', accountId: tenant.accountId, isStaff: false }

/** Bindings for tests of the request pipeline in Node: vars, and a KV that a Map holds. */
export function plainEnv(vars: Record<string, string> = {}): Env & { kv: Map<string, string> } {
  const kv = new Map<string, string>()
  const store = { get: async (key: string) => kv.get(key) ?? null, put: async (key: string, value: string) => void kv.set(key, value) }
  const meter = { getByName: () => ({ report: async () => undefined }) }
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid: 'test', x: 'x', d: 'd' }
  return {
    PUBLIC_URL: 'https://logs.example.com',
    JWT_KEYS: JSON.stringify([jwk]),
    ENCRYPTION_KEYS: JSON.stringify([{ kid: 'test', k: 'A'.repeat(43) }]),
    RATE_LIMITS: store,
    METER: meter,
    DB: {},
    kv,
    ...vars,
  } as never
}

/**
 * Tokens `owner`, `viewer` and `nobody` (no organization), keys `elk_ingest` and `elk_forgotten` that send logs, `elk_admin_1` and
 * `elk_admin_2` that may delete them too; any other credential is a bad one. Every key but `elk_ingest`, which is remembered, has to be looked up.
 */
export const plainVerifiers: Pick<Services, 'verifySession' | 'verifyApiKey'> = {
  async verifySession(_, token, wanted) {
    const id = wanted.kind === 'none' ? undefined : wanted.id
    if (id !== undefined && id !== organizationId) throw problem('not_found', 'There is no such organization.')
    const proof = { user, session: { id: 's', passwordProvedMs: Date.now(), secondFactor: false } }
    if (token === 'nobody') return { ...proof, organization: null, account: null }
    if (token !== 'owner' && token !== 'viewer') throw problem('invalid_token', 'The access token is not valid.')
    return { ...proof, organization: { ...tenant, roles: [token], requireSecondFactor: false }, account: null }
  },
  async verifyApiKey(_, key, beforeLookup) {
    if (key !== 'elk_ingest') beforeLookup()
    if (/^elk_admin_[12]$/.test(key)) return { keyId: key, scopes: ['logs:read', 'logs:write', 'logs:delete'], tenant, ratePerMinute: null }
    if (key !== 'elk_ingest' && key !== 'elk_forgotten') throw problem('invalid_api_key', 'The API key is not valid.')
    return { keyId: 'k', scopes: ['logs:write'], tenant, ratePerMinute: null }
  },
}

export interface PlainApp {
  (path: string, init?: RequestInit): Promise<Response>
  env: ReturnType<typeof plainEnv>
  /** Waits for what goes on behind the answers. */
  settled(): Promise<void>
}

/** The real middleware and pipeline over the given routes, without workerd. */
export function plainApp(routes: readonly Route[], vars: Record<string, string> = {}): PlainApp {
  const app = createApp(routes, { ...plainVerifiers, rateLimiter: createRateLimiter() })
  const env = plainEnv(vars)
  const behind: Promise<unknown>[] = []
  const execution = { waitUntil: (work: Promise<unknown>) => void behind.push(work), passThroughOnException: () => undefined, props: {} }
  const call = async (path: string, init: RequestInit = {}) => app.request(`https://logs.example.com${path}`, init, env, execution)
  return Object.assign(call, { env, settled: async () => void (await Promise.all(behind)) })
}

/** An app whose only route, GET /fail, fails with the given error. */
export function failing(error: Error): PlainApp {
  const spec = { id: 'fail', method: 'get', path: '/fail', summary: '', access: 'public', problems: [] } as const
  const fail = async () => {
    throw error
  }
  return plainApp([route({ ...spec, replies: { 204: emptyReply('') } }, fail)])
}

/** A refusal as the API words it; throws when the answer is no problem document. */
export async function problemOf(
  response: Response,
): Promise<{ status: number; code: string; detail: string; details?: Record<string, string[]> }> {
  const type = response.headers.get('Content-Type')
  if (type !== 'application/problem+json') throw new Error(`no problem document but ${type}: ${await response.text()}`)
  const body = (await response.json()) as Awaited<ReturnType<typeof problemOf>>
  if (body.status !== response.status) throw new Error(`status ${response.status} but the body says ${body.status}`)
  return body
}
