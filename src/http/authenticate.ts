import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { accountRoleHas, isAccountPermission, roleHas, scopesHave } from '../core/permissions.ts'
import type { AccountPermission, Permission } from '../core/permissions.ts'
import { problem } from '../core/problems.ts'
import { requireRecentPassword } from '../core/step_up.ts'
import type { AccountCtx, BaseCtx, TenantCtx, UserCtx, VerifiedApiKey, VerifiedSession, WantedTenant } from '../db/context.ts'
import { actsAsStaff } from '../db/staff.ts'
import type { Access, AnyRouteSpec, AppEnv } from './route.ts'

/**
 * Proofs of identity, injected by src/app.ts; each throws a 401 problem for a credential that is no good. `beforeLookup`
 * is called when only the database can tell; it throws when the caller may not ask any more.
 */
export interface Verifiers {
  /** Throws `not_found` for a wanted tenant that is not there for the user. */
  verifySession(base: BaseCtx, token: string, wanted: WantedTenant, beforeLookup: () => void): Promise<VerifiedSession>
  verifyApiKey(base: BaseCtx, key: string, beforeLookup: () => void): Promise<VerifiedApiKey>
}

export const accessCookie = '__Host-edgelog_access'
export const refreshCookie = '__Secure-edgelog_refresh'
const apiKeyPrefix = 'elk_'
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

type Credential = { kind: 'session' | 'api_key'; token: string }

export type Identity = { kind: 'user'; session: VerifiedSession } | { kind: 'api_key'; key: VerifiedApiKey }

/** What of a route decides who may call it. */
export type Guarded = Pick<AnyRouteSpec, 'tenant' | 'stepUp'> & { access: Exclude<Access, 'public'> }

/** Who is calling; throws 401 without a good credential, 404 for a tenant that is not theirs. */
export async function identify(c: Context<AppEnv>, spec: Guarded, verifiers: Verifiers, beforeLookup: () => void): Promise<Identity> {
  const base = c.get('base')
  const credential = credentialOf(c)
  if (!credential) throw problem('unauthenticated', 'Send an access token in Authorization: Bearer, or an API key in X-API-Key.')
  if (credential.kind === 'api_key') {
    const key = await verifiers.verifyApiKey(base, credential.token, beforeLookup)
    base.log.add({ actor: 'api_key', key_id: key.keyId, organization_id: key.tenant.organizationId })
    return { kind: 'api_key', key }
  }
  const session = await verifiers.verifySession(base, credential.token, wantedTenant(c, spec), beforeLookup)
  base.log.add({ actor: 'user', user_id: session.user.id, organization_id: session.organization?.organizationId })
  return { kind: 'user', session }
}

/** The context that the route's access promises; throws 403 when the caller is known but may not. */
export function authorize(c: Context<AppEnv>, spec: Guarded, identity: Identity): UserCtx | TenantCtx | AccountCtx {
  const base = c.get('base')
  return identity.kind === 'api_key' ? keyContext(c, spec, identity.key) : userContext(base, spec, identity.session)
}

function keyContext(c: Context<AppEnv>, { access, tenant: place }: Guarded, { keyId, scopes, tenant }: VerifiedApiKey): TenantCtx {
  if (access === 'session' || access === 'staff' || isAccountPermission(access))
    throw problem('forbidden', 'This needs a signed-in person; an API key cannot do it.')
  if (!scopesHave(scopes, access)) throw problem('forbidden', `The API key lacks the scope ${access}.`)
  if (place !== undefined && pathId(c) !== tenant.organizationId) throw problem('not_found', 'There is no such organization.')
  return { ...c.get('base'), actor: { kind: 'api_key', keyId, scopes }, tenant }
}

function userContext(base: BaseCtx, { access, stepUp }: Guarded, verified: VerifiedSession): UserCtx | TenantCtx | AccountCtx {
  const { user, session } = verified
  const person: UserCtx = { ...base, user, session, sessionId: session.id }
  const ctx = access === 'session' ? person : access === 'staff' ? staffContext(person) : tenantContext(person, access, verified)
  if (stepUp === true) requireRecentPassword(base.now(), session.passwordProvedMs)
  return ctx
}

function staffContext(person: UserCtx): UserCtx {
  if (!person.user.isStaff) throw problem('forbidden', 'Only staff may do this.')
  if (!actsAsStaff(person)) throw staffNeedsSecondFactor()
  return person
}

function tenantContext(person: UserCtx, access: Permission | AccountPermission, { organization, account }: VerifiedSession) {
  if (isAccountPermission(access)) {
    if (account === null) throw lacksInAccount(access)
    const roles = countingRoles(person, account.roles, (role) => accountRoleHas(role, access))
    if (roles === undefined) throw lacksInAccount(access)
    if (account.requireSecondFactor && !person.session.secondFactor)
      throw problem('second_factor_required', 'An organization of this account wants a second factor: set one up, then log in with it.')
    return { ...person, account: { id: account.id, roles } } satisfies AccountCtx
  }
  if (organization === null) throw problem('forbidden', 'You belong to no organization yet.')
  const { roles: held, requireSecondFactor, ...tenant } = organization
  const roles = countingRoles(person, held, (role) => roleHas(role, access))
  if (roles === undefined) throw problem('forbidden', `The role ${held.join(', ')} lacks the permission ${access}.`)
  if (requireSecondFactor && !person.session.secondFactor)
    throw problem('second_factor_required', 'This organization wants a second factor: set one up, then log in with it.')
  const actor = { kind: 'user', userId: person.user.id, sessionId: person.sessionId, roles } as const
  const { user: _user, session: _session, sessionId: _id, ...base } = person
  return { ...base, actor, tenant } satisfies TenantCtx
}

/**
 * What the person acts as; undefined when nothing of it may do this. Throws 403 when only staff could, and the session has not
 * passed a second factor; where another role suffices, such a session goes on without the rights of staff.
 */
function countingRoles<R extends string>(person: UserCtx, held: readonly R[], may: (role: R) => boolean): readonly R[] | undefined {
  if (!held.some(may)) return undefined
  const counting = actsAsStaff(person) ? held : held.filter((role) => role !== 'staff')
  if (!counting.some(may)) throw staffNeedsSecondFactor()
  return counting
}

function lacksInAccount(access: AccountPermission) {
  return problem('forbidden', `In this account you lack the permission ${access}.`)
}

function staffNeedsSecondFactor() {
  return problem('second_factor_required', 'Staff act with a second factor only: POST /api/v1/auth/totp sets one up, then log in with it.')
}

/** Whether it is only as staff that the caller may do this: such acts are recorded, reads included. */
export function isStaffAct({ access }: Guarded, { organization, account }: VerifiedSession): boolean {
  if (access === 'staff') return true
  if (access === 'session') return false
  return isAccountPermission(access)
    ? account !== null && !account.roles.some((role) => role !== 'staff' && accountRoleHas(role, access))
    : organization !== null && !organization.roles.some((role) => role !== 'staff' && roleHas(role, access))
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

/** What concerns the person alone goes on when a client still names an organization that the person has left. */
function wantedTenant(c: Context<AppEnv>, { access, tenant }: Guarded): WantedTenant {
  if (access === 'session' || access === 'staff') return { kind: 'none' }
  const kind = isAccountPermission(access) ? 'account' : 'organization'
  if (tenant !== undefined) return { kind, id: pathId(c), deleted: tenant === 'deleted' }
  return { kind, id: kind === 'organization' ? headerId(c) : undefined }
}

function pathId(c: Context<AppEnv>): string {
  const id = c.req.param('id') ?? ''
  if (!uuidPattern.test(id))
    throw problem('validation_failed', 'The id in the path must be a UUID.', { details: { id: ['must be a UUID'] } })
  return id.toLowerCase()
}

function headerId(c: Context<AppEnv>): string | undefined {
  const id = c.req.header('X-Organization-Id')
  if (id === undefined) return undefined
  if (!uuidPattern.test(id))
    throw problem('validation_failed', 'X-Organization-Id must be a UUID.', { details: { 'X-Organization-Id': ['must be a UUID'] } })
  return id.toLowerCase()
}
