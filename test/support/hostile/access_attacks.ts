import { SignJWT, generateKeyPair } from 'jose'
import { keyKinds, isAccountPermission, roleHas, roles, scopesHave, kindScopes } from '../../../src/core/permissions.ts'
import type { Permission, Role } from '../../../src/core/permissions.ts'
import { accessTokenType, signJwt } from '../../../src/features/auth/jwt.ts'
import { accessCookie } from '../../../src/http/authenticate.ts'
import type { Access, AnyRouteSpec } from '../../../src/http/route.ts'
import { testCtx } from '../world.ts'
import type { Attack } from './refusal.ts'
import { fillPath, jsonSamples } from './samples.ts'
import { pathOf, send } from './stage.ts'
import type { Stage } from './stage.ts'

/** Credentials that prove nothing: absent, malformed, forged, expired, of another kind. */
export async function badCredentials(stage: Stage, spec: AnyRouteSpec): Promise<Attack[]> {
  const token = stage.attacker.owner.accessToken
  const [header = '', payload = '', signature = ''] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const ctx = testCtx()
  const hourAgo = { ...ctx, now: () => Date.now() - 3_600_000 }
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }
  const foreign = new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid, typ: accessTokenType }).sign(privateKey)
  const own = { sub: claims['sub'] as string, sid: claims['sid'] as string, ver: claims['ver'] as number }
  const bearers: Record<string, string> = {
    garbage: 'x',
    'algorithm none': `${encode({ alg: 'none', typ: accessTokenType })}.${payload}.`,
    'HMAC with the key id as secret': `${encode({ alg: 'HS256', kid, typ: accessTokenType })}.${payload}.${signature}`,
    'changed claims': `${header}.${encode({ ...claims, sub: stage.victim.owner.userId })}.${signature}`,
    'cut signature': token.slice(0, -8),
    'another key': await foreign,
    expired: await signJwt(hourAgo, accessTokenType, 60, own),
    'another type of token': await signJwt(ctx, 'edgelog-tail+jwt', 60, own),
    'another session': await signJwt(ctx, accessTokenType, 60, { ...own, sid: ctx.newId() }),
    'the session of another user': await signJwt(ctx, accessTokenType, 60, { ...own, sub: stage.victim.owner.userId }),
    'another token version': await signJwt(ctx, accessTokenType, 60, { ...own, ver: 99 }),
    'claims of wrong types': await signJwt(ctx, accessTokenType, 60, { ...own, sid: 7, ver: 'x' }),
    'a refresh token': stage.attacker.owner.refreshToken,
    'a key with a wrong checksum': `${stage.keys.admin.slice(0, -1)}_`,
    'an unknown key': `elk_admin_${'0'.repeat(49)}`,
    'a very long token': 'x'.repeat(8_000),
  }
  const headers: Record<string, Record<string, string>> = {
    nothing: {},
    'basic authentication': { Authorization: `Basic ${btoa('admin:admin')}` },
    'an empty bearer': { Authorization: 'Bearer ' },
    'two tokens': { Authorization: `Bearer ${token} ${token}` },
    'an empty key': { 'X-API-Key': '' },
    'a bad cookie': { Cookie: `${accessCookie}=x` },
    'an access token as key': { 'X-API-Key': token },
    'identity in headers': {
      'X-User-Id': stage.victim.owner.userId,
      'X-Organization-Id': stage.victim.organizationId,
      'X-Forwarded-User': 'admin',
    },
  }
  const wanted = { status: 401 }
  return [
    ...Object.entries(bearers).map(([name, as]): Attack => ({ name, send: () => send(stage, spec, { as, ...validBody(spec) }), wanted })),
    ...Object.entries(headers).map(([name, more]): Attack => ({
      name,
      send: () => send(stage, spec, { as: undefined, headers: more }),
      wanted,
    })),
  ]
}

/** Credentials that are good for something else: keys, lesser roles, and a password that was proved too long ago. */
export function wrongRights(stage: Stage, spec: AnyRouteSpec): Attack[] {
  const { access } = spec
  if (access === 'public') return []
  const wanted = { status: 403, code: 'forbidden' } as const
  const kinds = keyKinds.filter((kind) => !isPermission(access) || !scopesHave(kindScopes[kind], access))
  const lesser = roles.filter((role) => !mayAs(role, access))
  const stale: Attack = {
    name: 'a password proved too long ago',
    send: () => send(stage, spec, { as: stage.stale.accessToken, ...validBody(spec) }),
    // Who lacks the right as such, as the tenant's owner does among staff, is told so and not to prove a password.
    wanted: access === 'staff' ? wanted : { status: 403, code: 'reauthentication_required' },
  }
  return [
    ...kinds.map((kind): Attack => ({
      name: `key of kind ${kind}`,
      send: () => send(stage, spec, { as: stage.keys[kind], ...validBody(spec) }),
      wanted,
    })),
    ...lesser.map((role): Attack => ({
      name: `role ${role}`,
      send: () => send(stage, spec, { as: stage.people[role].accessToken, ...validBody(spec) }),
      wanted,
    })),
    ...(spec.stepUp === true ? [stale] : []),
  ]
}

/** Whether the attacker's person of that role may: only the owner has a role in the account, and nobody is staff. */
function mayAs(role: Role, access: Access): boolean {
  if (access === 'staff') return false
  if (access === 'session') return true
  return isPermission(access) ? roleHas(role, access) : role === 'owner'
}

function isPermission(access: Access): access is Permission {
  return access !== 'public' && access !== 'session' && access !== 'staff' && !isAccountPermission(access)
}

/** What belongs to the victim, asked for by the attacker: it is not there. */
export function foreignThings(stage: Stage, spec: AnyRouteSpec): Attack[] {
  // Nobody here is staff, which is all that a route of staff asks.
  if (spec.access === 'public' || spec.access === 'staff') return []
  const wanted = { status: 404, code: 'not_found' } as const
  const attacks = foreignTenants(stage, spec).map((attack): Attack => ({ ...attack, wanted }))
  if (!spec.param) return attacks
  const path = pathOf(stage, spec)
  return [
    ...attacks,
    { name: 'a thing of the victim', send: () => send(stage, spec, { path, ...validBody(spec) }), wanted },
    {
      name: 'a thing that was deleted',
      send: () => send(stage, spec, { path: fillPath(spec.path, stage.gone.get(spec.path) ?? ''), ...validBody(spec) }),
      wanted,
    },
    { name: 'the same with a slash', send: () => send(stage, spec, { path: `${path}/`, ...validBody(spec) }), wanted },
    {
      name: 'a key and a thing of the victim',
      send: () => send(stage, spec, { path, as: stage.keys.admin, ...validBody(spec) }),
      wanted: { ...wanted, ...keyMay(spec) },
    },
  ]
}

/** The victim's tenant, named beside the path. The header says nothing to routes of accounts; some have a parameter for them. */
function foreignTenants(stage: Stage, spec: AnyRouteSpec): Pick<Attack, 'name' | 'send'>[] {
  // Where the path names the tenant, nothing beside it has a say: the victim's path is an attack of its own.
  if (spec.tenant !== undefined || spec.access === 'session') return []
  const { organizationId, accountId } = stage.victim
  const header = { 'X-Organization-Id': organizationId }
  if (spec.access === 'public' || !isAccountPermission(spec.access))
    return [{ name: 'the organization of the victim', send: () => send(stage, spec, { headers: header, ...validBody(spec) }) }]
  if (spec.query === undefined || !('account_id' in spec.query.shape)) return []
  const path = `${pathOf(stage, spec)}?account_id=${accountId}`
  return [{ name: 'the account of the victim', send: () => send(stage, spec, { path, ...validBody(spec) }) }]
}

/** The body that would be accepted if the rest were right. */
export function validBody(spec: AnyRouteSpec): { json?: unknown } {
  if (spec.json) return { json: jsonSamples[spec.id] }
  return spec.body ? { json: { message: 'hostile' } } : {}
}

/** The admin key is refused by scope where no key may. */
function keyMay(spec: AnyRouteSpec): { status?: number; code?: 'forbidden' } {
  return isPermission(spec.access) && scopesHave(kindScopes.admin, spec.access) ? {} : { status: 403, code: 'forbidden' }
}
