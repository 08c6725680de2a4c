import { randomBytes, scryptSync } from 'node:crypto'
import { env } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import type { Env } from '../../src/config.ts'
import type { KeyKind, Role, Scope } from '../../src/core/permissions.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { createMember, createUserWithOrganization } from '../../src/features/auth/create_user.ts'
import { createBase } from '../../src/http/context.ts'
import { createLog } from '../../src/core/log.ts'

export interface Person {
  userId: string
  email: string
  password: string
  accessToken: string
  refreshToken: string
}

export interface CallOptions {
  method?: string
  /** Access token or API key, sent as bearer. */
  as?: string | undefined
  /** Sent as application/json; a string goes as it stands. */
  json?: unknown
  body?: BodyInit | undefined
  headers?: Record<string, string>
}

/** One tenant of its own: an organization with an owner, reached through the real Worker. */
export interface World {
  organizationId: string
  accountId: string
  owner: Person
  /** IP address that this world's calls come from. */
  address: string
  /** A request to the Worker; GET unless there is a body. */
  call(path: string, options?: CallOptions): Promise<Response>
  addMember(role: Role): Promise<Person>
  createKey(kind: KeyKind, scopes?: Scope[]): Promise<{ id: string; key: string }>
}

/** All test files share one storage, so each test makes a tenant that no other knows. */
export async function createWorld(): Promise<World> {
  const ctx = testCtx()
  const address = randomAddress()
  const call = (path: string, options?: CallOptions) => callFrom(address, path, options)
  const secret = newPassword()
  const email = `owner-${ctx.newId()}@example.com`
  const person = { email, name: 'Owner', passwordHash: secret.hash, emailVerifiedAt: ctx.now() }
  const { created } = await createUserWithOrganization(ctx, { ...person, organizationName: 'Test' })
  if (!created) throw new Error('the e-mail of a new world is known already')
  const { organizationId, accountId, userId } = created
  const owner = await signIn(call, userId, email, secret.password)
  return {
    organizationId,
    accountId,
    owner,
    address,
    call,
    async addMember(role) {
      const memberSecret = newPassword()
      const memberEmail = `${role}-${ctx.newId()}@example.com`
      const input = { email: memberEmail, name: role, passwordHash: memberSecret.hash, emailVerifiedAt: ctx.now(), role }
      const member = await createMember(ctx, { organizationId, accountId }, input)
      return signIn(call, member.userId, memberEmail, memberSecret.password)
    },
    async createKey(kind, scopes) {
      const response = await call('/api/v1/api-keys', {
        as: owner.accessToken,
        json: { name: `${kind} key`, kind, ...(scopes && { scopes }) },
      })
      if (response.status !== 201) throw new Error(`no key: ${response.status} ${await response.text()}`)
      return response.json<{ id: string; key: string }>()
    },
  }
}

/** A context as a verb gets it, with the bindings of the test's Worker or those given. */
export function testCtx(bindings: Env = env): BaseCtx {
  const requestId = crypto.randomUUID()
  const work: Promise<unknown>[] = []
  return createBase(bindings, {
    log: createLog(requestId),
    requestId,
    clientAddress: randomAddress(),
    waitUntil: (promise) => void work.push(promise),
  })
}

/** A request to the Worker from the given address. */
export async function callFrom(
  address: string,
  path: string,
  { method, as, json, body, headers = {} }: CallOptions = {},
): Promise<Response> {
  const sent = json === undefined ? body : typeof json === 'string' ? json : JSON.stringify(json)
  const all = new Headers({ 'CF-Connecting-IP': address, ...(json !== undefined && { 'Content-Type': 'application/json' }), ...headers })
  if (as !== undefined) all.set('Authorization', `Bearer ${as}`)
  const init: RequestInit = { method: method ?? (sent === undefined ? 'GET' : 'POST'), headers: all, redirect: 'manual' }
  if (sent !== undefined) init.body = sent
  // Some paths are there on this machine only.
  const host = path.startsWith('/dev/') ? 'localhost' : 'edgelog.test'
  return exports.default.fetch(new Request(`http://${host}${path}`, init))
}

/** Rate limits and login throttling count by address, so tests must not share one. */
export function randomAddress(): string {
  return `10.${[...randomBytes(3)].join('.')}`
}

/** A password whose hash is real but cheap, so that logging in goes through the whole path in no time. */
function newPassword(): { password: string; hash: string } {
  const password = randomBytes(18).toString('base64url')
  const salt = randomBytes(16)
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/=+$/, '')
  return { password, hash: `$scrypt$ln=4,r=8,p=1$${base64(salt)}$${base64(scryptSync(password, salt, 32, { N: 16, r: 8, p: 1 }))}` }
}

async function signIn(call: World['call'], userId: string, email: string, password: string): Promise<Person> {
  const response = await call('/api/v1/auth/login', { json: { email, password } })
  if (response.status !== 200) throw new Error(`no login: ${response.status} ${await response.text()}`)
  const { access_token, refresh_token } = await response.json<{ access_token: string; refresh_token: string }>()
  return { userId, email, password, accessToken: access_token, refreshToken: refresh_token }
}
