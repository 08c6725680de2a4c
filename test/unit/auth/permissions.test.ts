import { describe, expect, it } from 'vitest'
import {
  actingRoles,
  keyKinds,
  kindScopes,
  permissions,
  rolePermissions,
  roleHas,
  roles,
  scopes,
  scopesHave,
  scopesOutsideKind,
} from '../../../src/core/permissions.ts'
import type { ActingRole, KeyKind, Permission, Scope } from '../../../src/core/permissions.ts'

/** Written out by hand, so that a change of the table has to be made twice. */
const reading = 'organization:read members:read teams:read'
const content = 'saved_filters:read saved_filters:write dashboards:read alerts:read channels:read reports:read'
const managing = `${reading} organization:write members:write teams:write audit:read`
const logs =
  'logs:read logs:write logs:edit logs:delete logs:archive logs:segments logs:settings tasks:read tasks:write api_keys:read api_keys:write'
const sharing = `${content} saved_filters:share dashboards:write tasks:create alerts:write reports:write`
const expectedRoles: Record<ActingRole, string> = {
  owner: `${logs} ${managing} ${sharing} channels:write organization:delete organization:transfer members:owners`,
  admin: `${logs} ${managing} ${sharing} channels:write`,
  member: `logs:read logs:write logs:edit tasks:read api_keys:read ${reading} ${sharing}`,
  viewer: `logs:read tasks:read ${reading} ${content}`,
  account_admin: `${managing} organization:delete members:owners`,
  staff: `${managing} organization:delete organization:transfer members:owners`,
}
const expectedKinds: Record<KeyKind, string> = {
  ingest: 'logs:write',
  query: 'logs:read dashboards:read alerts:read',
  admin:
    'logs:read logs:write logs:edit logs:delete logs:archive logs:segments tasks:read tasks:write api_keys:read audit:read dashboards:read dashboards:write tasks:create alerts:read alerts:write channels:read reports:read',
}

const roleCases = actingRoles.flatMap((role) =>
  permissions.map((permission): [ActingRole, Permission, boolean] => [
    role,
    permission,
    expectedRoles[role].split(' ').includes(permission),
  ]),
)
const kindCases = keyKinds.flatMap((kind) =>
  permissions.map((permission): [KeyKind, Permission, boolean] => [kind, permission, expectedKinds[kind].split(' ').includes(permission)]),
)

describe('the permission table', () => {
  it.each(roleCases)('says of the role %s and %s: %s', (role, permission, allowed) => {
    expect(roleHas(role, permission)).toBe(allowed)
  })

  it.each(kindCases)('says of a full key of kind %s and %s: %s', (kind, permission, allowed) => {
    expect(scopesHave(kindScopes[kind], permission)).toBe(allowed)
  })

  it('lets no key of any kind make keys', () => {
    const all: readonly string[] = [...scopes, ...keyKinds.flatMap((kind) => kindScopes[kind])]
    expect(all).not.toContain('api_keys:write')
  })

  it('gives a higher role all that a lower one has', () => {
    const lost = roles.flatMap((role, i) => {
      const lower = roles[i + 1]
      return lower ? rolePermissions[lower].filter((permission) => !roleHas(role, permission)) : []
    })
    expect(lost).toEqual([])
  })

  it.each(keyKinds.map((kind): [KeyKind] => [kind]))('names the scopes that a key of kind %s cannot have', (kind) => {
    const outside = scopes.filter((scope: Scope) => !expectedKinds[kind].split(' ').includes(scope))
    expect(scopesOutsideKind(kind, scopes)).toEqual(outside)
  })

  it('gives nothing to a key without scopes', () => {
    for (const permission of permissions) expect(scopesHave([], permission)).toBe(false)
  })
})
