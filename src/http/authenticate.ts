import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { roleHas, scopesHave } from '../core/permissions.ts'
import { problem } from '../core/problems.ts'
import type { BaseCtx, TenantCtx, UserCtx, VerifiedApiKey, VerifiedSession } from '../db/context.ts'
import type { Access, AppEnv } from './route.ts'

/**
 * Proofs of identity, injected by src/app.ts; each throws a 401 problem for a credential that is no good. `beforeLookup`
 * is called when only the database can tell; it throws when the caller may not ask any more.
 */
export interface Verifiers {
  /** Throws `not_found` when `organizationId` is given and the user is no member of it. */
  verifySession(base: BaseCtx, token: string, organizationId: string | undefined, beforeLookup: () => void): Promise<VerifiedSession>
  verifyApiKey(base: BaseCtx, key: string, beforeLookup: () => void): Promise<VerifiedApiKey>
}

export const accessCookie = '__Host-edgelog_access'
export const refreshCookie = '__Secure-edgelog_refresh'
const apiKeyPrefix = 'elk_'
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

type Credential = { kind: 'session' | 'api_key'; token: string }

export type Identity = { kind: 'user'; session: VerifiedSession } | { kind: 'api_key'; key: VerifiedApiKey }

/** Who is calling; throws 401 without a good credential, 404 for an organization that is not theirs. */
export async function identify(
  c: Context<AppEnv>,
  access: Exclude<Access, 'public'>,
  verifiers: Verifiers,
  beforeLookup: () => void,
): Promise<Identity> {
  const base = c.get('base')
  const credential = credentialOf(c)
  if (!credential) throw problem('unauthenticated', 'Send an access token in Authorization: Bearer, or an API key in X-API-Key.')
  if (credential.kind === 'api_key') {
    const key = await verifiers.verifyApiKey(base, credential.token, beforeLookup)
    base.log.add({ actor: 'api_key', key_id: key.keyId, organization_id: key.tenant.organizationId })
    return { kind: 'api_key', key }
  }
  // What concerns the person alone must go on when a client still names an organization that the person has left.
  const organizationId = access === 'session' ? undefined : wantedOrganization(c)
  const session = await verifiers.verifySession(base, credential.token, organizationId, beforeLookup)
  base.log.add({ actor: 'user', user_id: session.user.id, organization_id: session.membership?.organizationId })
  return { kind: 'user', session }
}

/** The context that `access` promises; throws 403 when the caller is known but may not. */
export function authorize(base: BaseCtx, access: Exclude<Access, 'public'>, identity: Identity): UserCtx | TenantCtx {
  return identity.kind === 'api_key' ? keyContext(base, access, identity.key) : userContext(base, access, identity.session)
}

function keyContext(base: BaseCtx, access: Exclude<Access, 'public'>, { keyId, scopes, tenant }: VerifiedApiKey): TenantCtx {
  if (access === 'session') throw problem('forbidden', 'This needs a signed-in person; an API key cannot do it.')
  if (!scopesHave(scopes, access)) throw problem('forbidden', `The API key lacks the scope ${access}.`)
  return { ...base, actor: { kind: 'api_key', keyId, scopes }, tenant }
}

function userContext(
  base: BaseCtx,
  access: Exclude<Access, 'public'>,
  { user, sessionId, membership }: VerifiedSession,
): UserCtx | TenantCtx {
  if (access === 'session') return { ...base, user, sessionId }
  if (!membership) throw problem('forbidden', 'You belong to no organization yet.')
  const { role, ...tenant } = membership
  if (!roleHas(role, access)) throw problem('forbidden', `The role ${role} lacks the permission ${access}.`)
  return { ...base, actor: { kind: 'user', userId: user.id, sessionId, role }, tenant }
}

/** Headers before the cookie: a script that names its credential means that one. */
function credentialOf(c: Context<AppEnv>): Credential | undefined {
  const authorization = c.req.header('Authorization')
  if (authorization !== undefined) {
    const token = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
    if (token === undefined) throw problem('unauthenticated', 'The Authorization header must be "Bearer" and a token.')
    return { kind: token.startsWith(apiKeyPrefix) ? 'api_key' : 'session', token }
  }
  const key = c.req.header('X-API-Key')
  if (key !== undefined) return { kind: 'api_key', token: key }
  const cookie = getCookie(c, accessCookie)
  return cookie ? { kind: 'session', token: cookie } : undefined
}

function wantedOrganization(c: Context<AppEnv>): string | undefined {
  const id = c.req.header('X-Organization-Id')
  if (id === undefined) return undefined
  if (!uuidPattern.test(id))
    throw problem('validation_failed', 'X-Organization-Id must be a UUID.', { details: { 'X-Organization-Id': ['must be a UUID'] } })
  return id.toLowerCase()
}
